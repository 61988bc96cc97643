"""`make docs`: the reference, from the code itself. A test holds docs/reference to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from pydantic import BaseModel

from ridethrough.emulators.devices.bmc import load_profile as load_bmc_profile
from ridethrough.emulators.devices.bmc import profile_names as bmc_profile_names
from ridethrough.emulators.devices.bmc.commands import TABLE
from ridethrough.emulators.devices.ups import load_profile, profile_names
from ridethrough.gateway.api.openapi import ROUTES
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.devices.bmc_commands import SHAPES as BMC_SHAPES
from ridethrough.gateway.devices.ups_commands import SHAPES as UPS_SHAPES
from ridethrough.gateway.devices.wake import SHAPES as WAKE_SHAPES
from ridethrough.gateway.translate import EventType
from ridethrough.gateway.translate.trap_rules import RULES
from ridethrough.mibs import Oid, standard_tree
from ridethrough.rigs.checks import RULES as DOCUMENT_RULES
from ridethrough.rigs.checks import SCHEMA_RULES
from ridethrough.rigs.cli.main import everything
from ridethrough.rigs.controllers import CONTROLLERS
from ridethrough.rigs.explore.dimensions import DIMENSIONS
from ridethrough.rigs.explore.invariants import EXEMPTIONS, INVARIANTS
from ridethrough.rigs.lab.api import ROUTES as LAB
from ridethrough.rigs.lab.scenario_runs_api import ROUTES as RUNS
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.scenario.language import Scenario

CONTROLLER = {controller.config_class.__name__: name for name, controller in CONTROLLERS.items()}
REFERENCE = Path(__file__).parent / "reference"
MADE = "<!-- made by `make docs` from the code; do not edit -->\n\n"
MODELS: dict[str, tuple[str, type[BaseModel], str]] = {
    "rig": ("Rig file", RigFile, "`ridethrough run RIG`; its JSON Schema is `ridethrough schema rig`."),
    "site": ("Site file", Site, "`ridethrough gateway SITE`; explained in [site-file.md](../site-file.md)."),
    "scenario": ("Scenario file", Scenario, "`ridethrough replay FILE`; explained in [scenarios.md](../scenarios.md)."),
}


def table(heads: list[str], rows: list[list[Any]]) -> str:
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [heads, ["---"] * len(heads), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# --- files --------------------------------------------------------------------------------------------------------


def kind_of(schema: dict[str, Any], parts: dict[str, Any]) -> str:
    """A schema in a few words; parts that have a section of their own are links."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in CONTROLLER:
            return f"[{CONTROLLER[name]}](controllers.md#{CONTROLLER[name]})"
        inner = parts.get(name, {})
        return f"[{name}](#{name.lower()})" if "properties" in inner else kind_of(inner, parts)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(kind_of(part, parts) for part in schema[union]))
    if schema.get("type") == "array":
        items = schema.get("items") or {"anyOf": schema.get("prefixItems", [])}
        return f"list of {kind_of(items, parts)}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), None)
        return f"names to {kind_of(inner, parts)}" if isinstance(inner, dict) else "names to values"
    limits = [f"{word} {schema[key]:g}" for key, word in LIMITS.items() if key in schema]
    return " ".join([str(schema.get("type", "anything")), *limits])


LIMITS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "minLength": "at least",
    "maxLength": "at most",
}


def keys_of(schema: dict[str, Any], parts: dict[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = []
    for key, part in schema.get("properties", {}).items():
        default = part.get("default")
        scalar = isinstance(default, str | int | float) and default != ""
        shown = "needed" if key in needed else f"`{default}`" if scalar else ""
        rows.append([f"`{key}`", kind_of(part, parts), shown, part.get("description", "")])
    return table(["key", "value", "default", ""], rows) if rows else ""


def file_page(title: str, model: type[BaseModel], about: str) -> str:
    schema = model.model_json_schema()
    parts = schema.get("$defs", {})
    text = [f"# {title}\n\n{about}\n\n{keys_of(schema, parts)}"]
    for name, part in sorted(parts.items()):
        if "properties" in part and name not in CONTROLLER:
            text.append(f"## {name}\n\n{part.get('description', '')}\n\n{keys_of(part, parts)}")
    return "\n".join(text)


# --- the rest -----------------------------------------------------------------------------------------------------


def events_page() -> str:
    tree = standard_tree()
    told: dict[str, list[str]] = {}
    for oid, rule in RULES.items():
        told.setdefault(rule.type.value, []).append(f"{tree.label(Oid.parse(oid))} ({rule.severity.value})")
    rows = [[f"`{item.value}`", ", ".join(told.get(item.value, []))] for item in EventType]
    return (
        "# Events\n\nCloudEvents 1.0 in JSON. `data` has `device`, `severity`, `text`, `condition` with `opens` or\n"
        "`clears`, `group` and `evidence`; the AsyncAPI document is at `/v1/asyncapi.json` while a gateway runs.\n\n"
        + table(["type", "from the traps"], rows)
    )


def api_page() -> str:
    heads = ["method", "path", "role", ""]
    own = [[route.method, f"`{route.path}`", route.role.name.lower(), route.summary] for route in ROUTES]
    lab = [[route.method, f"`{route.path}`", route.role.name.lower(), route.summary] for route in (*LAB, *RUNS)]
    return (
        "# HTTP interface\n\nThe OpenAPI document of `/v1` is at `/v1/openapi.json` while a gateway runs.\n"
        "A role may do what those before it may: nobody, read, operate, lab.\n\n## The gateway\n\n"
        + table(heads, own)
        + "\n## The lab, where emulators run\n\n"
        + table(heads, lab)
    )


def _parameters(shape: type[Any]) -> str:
    """`name: type = default` for each."""
    parts = []
    for field in msgspec.structs.fields(shape):
        words = get_args(field.type) if get_origin(field.type) is Literal else ()
        text = " | ".join(map(str, words)) or getattr(field.type, "__name__", str(field.type))
        parts.append(f"`{field.name}`: {text}{'' if field.required else ', may be left out'}")
    return "; ".join(parts) or "none"


def commands_page() -> str:
    kinds: dict[str, Mapping[str, type[msgspec.Struct]]] = {"ups": UPS_SHAPES, "bmc": BMC_SHAPES, "server": WAKE_SHAPES}
    given = [
        [kind, f"`{name}`", _parameters(shape)] for kind, shapes in kinds.items() for name, shape in shapes.items()
    ]
    numbers = []
    for (function, number, body), row in sorted(TABLE.items()):
        group = f" (group {body:02X}h)" if body else ""
        numbers.append([row.name, f"{int(function):02X}h{group}", f"{number:02X}h", row.privilege.name.lower()])
    return (
        "# Commands\n\n## Those that controllers give\n\n"
        "`POST /v1/devices/{id}/commands` with `command` and `params`, or `ridethrough command`.\n"
        "The gateway carries them out by SNMP, IPMI and Wake-on-LAN.\n\n"
        + table(["kind", "command", "params"], given)
        + "\n## Those that the emulated BMC takes by IPMI\n\nWhat is not here is answered with C1h.\n\n"
        + table(["command", "network function", "number", "privilege"], numbers)
    )


def verbs(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        if getattr(inner, "commands", None):
            yield from verbs(inner, f"{words} {name}")
        else:
            yield f"{words} {name}", inner


def cli_page() -> str:
    statuses = (
        "0 done, 1 what was asked for did not hold, 2 bad usage or configuration, 3 something could not be reached"
    )
    parts = [f"# Command line\n\nExit status: {statuses}, 130 interrupted.\n"]
    for words, command in verbs(everything(), "ridethrough"):
        rows = []
        for parameter in command.params:
            shown = parameter.metavar or parameter.name.upper()
            name = ", ".join(parameter.opts) if parameter.param_type_name == "option" else shown
            value = f" {parameter.metavar}" if parameter.param_type_name == "option" and parameter.metavar else ""
            rows.append([f"`{name}{value}`", getattr(parameter, "help", "") or ""])
        parts.append(f"## {words}\n\n{(command.help or '').strip()}\n\n{table(['', ''], rows) if rows else ''}")
    return "\n".join(parts)


def profiles_page() -> str:
    cards = [load_profile(name) for name in profile_names()]
    rows = [[f"`{item.profile}`", item.text("upsBasicIdentModel"), str(len(item.instances))] for item in cards]
    tree = standard_tree()
    objects = sorted({label.partition(".")[0] for item in cards for label in item.instances if not label[0].isdigit()})
    shown = [
        [f"`{name}`", str(tree.named(name).oid), tree.named(name).syntax, tree.named(name).access] for name in objects
    ]
    controllers = [load_bmc_profile(name) for name in bmc_profile_names()]
    bmcs = [
        [f"`{item.profile}`", f"{item.identity.manufacturer}, {item.identity.product:04X}h", str(len(item.sensors))]
        for item in controllers
    ]
    return (
        "# Profiles, and the objects of the cards\n\n"
        + table(["UPS profile", "model", "instances"], rows)
        + "\n"
        + table(["BMC profile", "manufacturer, product", "sensors"], bmcs)
        + f"\n{len(shown)} objects by name; what a profile has besides stands in it by number.\n\n"
        + table(["object", "OID", "syntax", "access"], shown)
    )


def controllers_page() -> str:
    about = "In a rig's `controllers`; what they may see is [a decision](../decisions/0017-controllers.md)."
    text = [f"# Stand-in controllers\n\n{about}\n"]
    for name, controller in CONTROLLERS.items():
        said = (import_module(f"ridethrough.rigs.controllers.{name}").__doc__ or "").strip()
        schema = controller.config_class.model_json_schema()
        parts = schema.get("$defs", {})
        text.append(f"## {name}\n\n{said}\n\n{keys_of(schema, parts)}")
        text += [
            f"### {key}\n\n{part.get('description', '')}\n\n{keys_of(part, parts)}"
            for key, part in sorted(parts.items())
        ]
    return "\n".join(text)


DOCUMENTS = [
    ["000", "multi-server configurations, mixed mode with and without UPS"],
    ["001", "ESMPRO/AC on a clustered SigmaSystemCenter"],
    ["002", "power management of Hyper-V"],
    ["003", "CLUSTERPRO system construction guide, PP edition"],
    ["004", "CLUSTERPRO X hardware feature guide, Express5800/A1080a and A1040a"],
]


def sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def as_keys(pattern: str) -> str:
    return pattern.replace(r"\d+", "*").replace("[^.]+", "*").replace("\\", "")


def rules_page() -> str:
    """The rules by number; what belongs to a scenario's letter comes first."""
    rows = []
    for rule in sorted(DOCUMENT_RULES, key=lambda rule: (rule.name.startswith("X"), rule.name)):
        said = (rule.find.__doc__ or "").strip().partition("\n\n")[0]
        rows.append([rule.name, "warning" if rule.warning else "error", sentence(said.partition(": ")[2]), rule.source])
    schema = [[name, f"`{as_keys(pattern)}`", source] for pattern, name, source in SCHEMA_RULES]
    return (
        "# Rules of `ridethrough check`\n\n"
        "What the power-management documents say about configurations. An error ends `check` with status 2, a warning\n"
        "does not. Files that break X27 to X45, one each, are in `rigs/samples/bad`.\n\n"
        + table(["rule", "", "what has to be so", "documents"], rows)
        + "\nThe schema itself refuses these, with the rule's name:\n\n"
        + table(["rule", "where", "documents"], schema)
        + "\n"
        + table(["document", ""], DOCUMENTS)
    )


def invariants_page() -> str:
    rules = [[f"`{row.name}`", row.description] for row in INVARIANTS]
    reasons = [
        [row.name, ", ".join(f"`{name}`" for name in sorted(row.invariants)), row.text, row.section]
        for row in EXEMPTIONS
    ]
    return (
        "# Invariants\n\nWhat `ridethrough explore` judges each run by, and what it varies;\n"
        "`ridethrough explore --list` prints the same.\n\n"
        + table(["invariant", "what holds whatever happens"], rules)
        + "\n## Reasons for which one may be broken\n\nEach is as narrow as the document that says it.\n\n"
        + table(["reason", "of", "when", "section"], reasons)
        + "\n## What varies\n\n"
        + table(["dimension", "what happens"], [[f"`{row.name}`", row.description] for row in DIMENSIONS])
    )


def pages() -> dict[str, str]:
    """Every page of the reference by its file name."""
    made = {f"{name}-file.md": file_page(*parts) for name, parts in MODELS.items()}
    made |= {
        "events.md": events_page(),
        "http.md": api_page(),
        "command-line.md": cli_page(),
        "commands.md": commands_page(),
        "profiles.md": profiles_page(),
        "controllers.md": controllers_page(),
        "rules.md": rules_page(),
        "invariants.md": invariants_page(),
    }
    return {name: MADE + text.rstrip() + "\n" for name, text in made.items()}


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
