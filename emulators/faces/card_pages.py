"""The card's web pages: HTML out, forms in. No sockets here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape

from pydantic import ValidationError

from ridethrough.emulators.devices.ups.card.accounts import is_address
from ridethrough.emulators.devices.ups.card.card import RECEIVERS, UNUSED, Card
from ridethrough.emulators.devices.ups.card.clock import parse
from ridethrough.emulators.devices.ups.device import EmulatedUps
from ridethrough.emulators.devices.ups.profile import AccessRow
from ridethrough.emulators.devices.ups.snmp.objects import COMMUNITY_LENGTH
from ridethrough.emulators.devices.ups.traps import Trap
from ridethrough.emulators.kernel.instant import Instant

Form = Mapping[str, str]
ACCESS_ROWS = 4
USER_PROFILES = 4
TYPES = {"read": "Read", "write": "Write", "write+": "Write+", "disabled": "Disabled"}
SWITCH = {"enabled": "Enabled", "disabled": "Disabled"}
STYLE = """
body{font:14px/1.5 system-ui,sans-serif;margin:0;color:#1b2430;background:#f4f6f8}
header{background:#17324d;color:#fff;padding:10px 20px}header b{font-size:17px;margin-right:18px}
nav{background:#fff;border-bottom:1px solid #d5dbe1;padding:8px 20px}nav a{margin-right:16px;color:#17527f}
main{padding:16px 20px;max-width:860px}h1{font-size:19px;margin:4px 0 12px}h2{font-size:16px;margin:22px 0 6px}
table{border-collapse:collapse;background:#fff}td,th{border:1px solid #d5dbe1;padding:5px 10px;text-align:left}
.said{background:#fff6d8;border:1px solid #e4cf86;padding:6px 10px}label{display:block;margin:6px 0}
input,select{font:inherit;padding:3px 6px}button{font:inherit;padding:4px 14px;margin-top:8px}
"""
NAVIGATION = (
    ("/", "Status"),
    ("/system/datetime", "System: Date &amp; Time"),
    ("/system/users", "System: User Manager"),
    ("/network/snmp", "Network: SNMP"),
    ("/logout", "Log Off"),
)


def page(card: Card, title: str, body: str, said: str = "", *, inside: bool = True) -> str:
    """A whole page. `said` is the answer to what was done last."""
    links = "".join(f'<a href="{path}">{name}</a>' for path, name in NAVIGATION) if inside else ""
    model = escape(model_name(card)) if inside else ""
    note = f'<p class="said" role="status">{escape(said)}</p>' if said else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><header><b>Network Management Card</b>"
        f"<span>{escape(card.address)}</span> <span>{model}</span></header>"
        f"<nav>{links}</nav><main><h1>{escape(title)}</h1>{note}{body}</main></body></html>"
    )


def model_name(card: Card) -> str:
    """The UPS's model; empty while the card has no link to the UPS."""
    return card.profile.text("upsBasicIdentModel") if card.link_up() else ""


def login(card: Card, said: str = "") -> str:
    """Return the page to log on."""
    body = (
        '<form method="post" action="/login"><label>User Name <input name="name" autofocus></label>'
        '<label>Password <input name="password" type="password"></label><button>Log On</button></form>'
    )
    return page(card, "Log On", body, said, inside=False)


def status(device: EmulatedUps, now: Instant) -> str:
    """Return the page with the state of the UPS."""
    card, snapshot = device.card, device.snapshot(now)
    rows = {
        "Model": model_name(card),
        "Serial Number": device.profile.text("upsAdvIdentSerialNumber"),
        "IP Address": card.address,
        "Status": str(snapshot["state"]).replace("-", " ").capitalize(),
        "Output": str(snapshot["output"]).capitalize(),
        "Input Voltage": f"{snapshot['input_volts']:.0f} VAC",
        "Output Voltage": f"{snapshot['output_volts']:.0f} VAC",
        "Load": f"{snapshot['load_percent']:.0f} %",
        "Battery Capacity": f"{snapshot['charge_percent']:.0f} %",
        "Runtime Remaining": f"{snapshot['runtime_s'] // 60} minutes",
        "Battery Temperature": f"{snapshot['battery_celsius']:.0f} °C",
        "Replace Battery": "Yes" if device.ups.replace_battery else "No",
    }
    return page(card, "Status", _facts(rows))


def datetime_page(card: Card, now: Instant, said: str = "") -> str:
    """The clock of the card."""
    date, time = card.clock.date(now), card.clock.time(now)
    body = (
        f'<form method="post"><h2>Set Manually</h2><label>Date {_field("date", date)} (mm/dd/yyyy)</label>'
        f"<label>Time {_field('time', time)} (hh:mm:ss)</label>"
        '<button name="how" value="manual">Apply</button></form>'
        '<form method="post" id="local"><h2>Apply Local Computer Time to Network Management Card</h2>'
        '<input type="hidden" name="date"><input type="hidden" name="time">'
        '<button name="how" value="local">Apply</button></form>'
        "<script>document.getElementById('local').addEventListener('submit',function(){var n=new Date(),"
        "p=function(v){return String(v).padStart(2,'0')};"
        "this.date.value=p(n.getMonth()+1)+'/'+p(n.getDate())+'/'+n.getFullYear();"
        "this.time.value=p(n.getHours())+':'+p(n.getMinutes())+':'+p(n.getSeconds())})</script>"
    )
    return page(card, "Date & Time", body, said)


def set_datetime(card: Card, form: Form, now: Instant) -> str:
    """Set date and time from a form; return the message about it."""
    moment: datetime | None = parse(form.get("date", ""), form.get("time", ""))
    if moment is None:
        return "Not a date and a time: expected mm/dd/yyyy and hh:mm:ss."
    card.clock.set(moment, now)
    return "The clock is set."


def users_page(card: Card, said: str = "") -> str:
    """The account."""
    body = (
        f'<form method="post"><label>User Name {_field("name", card.accounts.name)}</label>'
        '<label>Password <input name="password" type="password"></label>'
        '<label>Confirm Password <input name="again" type="password"></label><button>Apply</button></form>'
    )
    return page(card, "User Manager", body, said)


def set_user(card: Card, form: Form, now: Instant) -> str:
    """Set the account from a form; return the message about it."""
    if form.get("password") != form.get("again"):
        return "The two passwords differ."
    return card.accounts.change(form.get("name", ""), form.get("password", ""), now) or "The account is changed."


def snmp_page(card: Card, said: str = "") -> str:
    """Access control and trap receivers."""
    rows = [*card.rows, *[None] * (ACCESS_ROWS - len(card.rows))]
    access = "".join(
        f"<tr><td>{_field(f'community{at}', row.community if row else '')}</td>"
        f"<td>{_field(f'manager{at}', _manager(row))}</td>"
        f"<td>{_select(f'type{at}', TYPES, row.type if row else 'disabled')}</td></tr>"
        for at, row in enumerate(rows)
    )
    receivers = "".join(
        f"<tr><td>{_field(f'community{at}', row.community.decode('latin-1'))}</td>"
        f"<td>{_field(f'receiver{at}', row.address)}</td>"
        f"<td>{_select(f'generation{at}', SWITCH, _switch(on=row.enabled))}</td>"
        f"<td>{_select(f'authentication{at}', SWITCH, _switch(on=row.authentication_traps))}</td></tr>"
        for at, row in enumerate(card.receivers)
    )
    body = (
        '<form method="post"><h2>Access Control</h2><table><tr><th>Community Name</th><th>NMS IP</th>'
        f'<th>Access Type</th></tr>{access}</table><button name="what" value="access">Apply</button></form>'
        '<form method="post"><h2>Trap Receiver</h2><table><tr><th>Community Name</th><th>Receiver NMS IP</th>'
        f"<th>Trap Generation</th><th>Authentication Traps</th></tr>{receivers}</table>"
        '<button name="what" value="receivers">Apply</button> '
        '<button name="what" value="test">Send a test trap</button></form>'
        "<h2>SNMPv3 User Profiles</h2><table><tr><th>User Name</th><th>Authentication</th><th>Privacy</th>"
        f"<th>NMS IP</th><th>Access</th></tr>{_user_profiles(card)}</table>"
    )
    return page(card, "SNMP", body, said)


def _user_profiles(card: Card) -> str:
    """The four users of version 3; those that nobody set up are as they come from the factory, disabled."""
    rows = [
        (user.name.decode(), user.auth or "none", user.priv or "none", user.manager, user.access.name.capitalize())
        for user in card.users.values()
    ]
    rows += [
        (f"apc snmp profile{at}", "none", "none", UNUSED, "Disabled") for at in range(len(rows) + 1, USER_PROFILES + 1)
    ]
    return "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)


def set_snmp(card: Card, form: Form, now: Instant) -> str:
    """Set the rows of a table from a form; return the message about it."""
    match form.get("what"):
        case "access":
            return _set_access(card, form, now)
        case "receivers":
            return _set_receivers(card, form, now)
        case _:
            card.send(Trap.TEST, now, values={"mtrapargsInteger02": 0})
            return "A test trap is sent."


def _set_access(card: Card, form: Form, now: Instant) -> str:
    rows: list[AccessRow] = []
    for at in range(ACCESS_ROWS):
        community = form.get(f"community{at}", "")
        manager = form.get(f"manager{at}", "") or UNUSED
        if not community:
            continue
        if not is_address(manager) and not manager.replace(".", "").isdigit():
            return f"{manager!r} is not an address."
        try:
            rows.append(
                AccessRow.model_validate({"community": community, "manager": manager, "type": form.get(f"type{at}")})
            )
        except ValidationError as error:
            return f"Row {at + 1}: {error.errors()[0]['msg']}."
    card.set_access(tuple(rows), now)
    return "Access control is changed."


def _set_receivers(card: Card, form: Form, now: Instant) -> str:
    for at in range(RECEIVERS):
        community, address = form.get(f"community{at}", ""), form.get(f"receiver{at}", "") or UNUSED
        if not is_address(address):
            return f"{address!r} is not an address."
        if not 0 < len(community) <= COMMUNITY_LENGTH:
            return f"A community name has 1 to {COMMUNITY_LENGTH} characters."
    for at, row in enumerate(card.receivers):
        row.address = form.get(f"receiver{at}", "") or UNUSED
        row.community = form.get(f"community{at}", "").encode("latin-1", "replace")
        row.enabled = form.get(f"generation{at}") == "enabled"
        row.authentication_traps = form.get(f"authentication{at}") == "enabled"
    card.send(Trap.SNMP_CONFIG_CHANGED, now)
    return "Trap receivers are changed."


def _manager(row: AccessRow | None) -> str:
    return UNUSED if row is None or row.manager == "any" else row.manager


def _switch(*, on: bool) -> str:
    return "enabled" if on else "disabled"


def _field(name: str, value: str) -> str:
    return f'<input name="{name}" aria-label="{name}" value="{escape(value, quote=True)}">'


def _select(name: str, words: Mapping[str, str], chosen: str) -> str:
    options = "".join(
        f'<option value="{word}"{" selected" if word == chosen else ""}>{escape(text)}</option>'
        for word, text in words.items()
    )
    return f'<select name="{name}" aria-label="{name}">{options}</select>'


def _facts(rows: Mapping[str, str]) -> str:
    cells: Iterable[str] = (f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows.items())
    return f"<table>{''.join(cells)}</table>"
