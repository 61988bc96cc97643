"""Build the devices of a rig and run the wires between them."""

from __future__ import annotations

from uuid import NAMESPACE_DNS, uuid5

from ridethrough.emulators.bindings.snmp import Access, UsmUser
from ridethrough.emulators.config.plant import Plant, UpsConfig
from ridethrough.emulators.config.servers import BmcConfig, ServerConfig
from ridethrough.emulators.devices.bmc import AlertDestination, Bmc, BmcDevice, BmcOptions, BmcUser, HoldSettings
from ridethrough.emulators.devices.bmc import load_profile as load_bmc_profile
from ridethrough.emulators.devices.cluster import Cluster
from ridethrough.emulators.devices.disk import Disk
from ridethrough.emulators.devices.hub import Hub
from ridethrough.emulators.devices.intelligent_ups import IntelligentUps
from ridethrough.emulators.devices.mains import Mains
from ridethrough.emulators.devices.manager import Manager
from ridethrough.emulators.devices.psu import Psu
from ridethrough.emulators.devices.server import Guest, Server
from ridethrough.emulators.devices.ups import Receiver, UpsDevice, load_profile
from ridethrough.emulators.kernel.power import Outlet, plug
from ridethrough.emulators.kernel.world import World
from ridethrough.mibs import Oid
from ridethrough.wire.ipmi.message import Privilege
from ridethrough.wire.wol import mac_address

LOOPBACK = "127.0.0.1"
VERSIONS = {1: 1, "2c": 2, 3: 3}

Feeds = dict[str, Mains | UpsDevice | IntelligentUps]


def build(plant: Plant, epoch_s: int) -> World:
    """The world of a rig, settled. `epoch_s` is the Unix time at its start.

    Raises ProfileError for an unknown profile and LoopError for wires that never come to rest.
    """
    world = World()
    feeds: Feeds = {}
    for name, mains in plant.mains.items():
        feeds[name] = Mains(name, mains.volts, mains.hertz)
        world.add(feeds[name])
    for name, config in plant.ups.items():
        receivers = tuple(
            Receiver(
                row.receiver,
                row.community.encode(),
                enabled=row.generation,
                authentication_traps=row.authentication,
                version=VERSIONS[row.version],
                inform=row.inform,
                user=(row.user or "").encode(),
            )
            for row in config.traps or ()
        )
        if config.traps is None:
            receivers = (Receiver(LOOPBACK),)
        ups = UpsDevice(
            name,
            load_profile(config.profile),
            config.address,
            access=config.access,
            receivers=receivers,
            settings=config.settings.objects(),
            users=_users(config),
        )
        world.add(ups)
        plug(world, feeds[config.mains].outlet(name), ups.inlet)
        feeds[name] = ups
    for name, iups_config in plant.intelligent_ups.items():
        iups = IntelligentUps(
            name,
            hold_s=iups_config.hold_s,
            off_delay_s=iups_config.off_delay_s,
            lan_board=iups_config.lan_board,
            line_board=iups_config.line_board,
        )
        world.add(iups)
        plug(world, feeds[iups_config.mains].outlet(name), iups.inlet)
        feeds[name] = iups
    for name, disk_config in plant.disks.items():
        disk = Disk(name, disk_config.spin_up_s, disk_config.load_w)
        world.add(disk)
        plug(world, _socket(feeds, disk_config.power[0], name), disk.inlet)
    for name, server_config in plant.servers.items():
        _server(world, plant, name, server_config, feeds, epoch_s)
    for name, hub_config in plant.hubs.items():
        hub = Hub(name, hub_config.serves, hub_config.load_w)
        world.add(hub)
        plug(world, _socket(feeds, hub_config.power, name), hub.inlet)
    for name in plant.clusters:
        _cluster(world, plant, name)
    hosts = {ups.address: name for name, ups in plant.ups.items()}
    hosts |= {server.bmc.address: f"{name}.bmc" for name, server in plant.servers.items() if server.bmc}
    for name, manager in plant.managers.items():
        world.add(Manager(name, manager.nodes, manager.floating, hosts))
    world.settle()
    return world


def _cluster(world: World, plant: Plant, name: str) -> None:
    config = plant.clusters[name]
    cluster = Cluster(name, config.nodes, config.disks, config.groups, config.shutdown_s)
    world.add(cluster)
    for node, port in cluster.hosts.items():
        server = world.devices[node]
        if isinstance(server, Server):
            world.connect(server.host, port)
            world.connect(cluster.orders[node], server.agent)
    for shared, seen in cluster.disks.items():
        disk = world.devices[shared]
        if isinstance(disk, Disk):
            world.connect(disk.ready, seen)


def _socket(feeds: Feeds, feed: str, consumer: str) -> Outlet:
    """A socket of a feed; `UPS1/2` is one in the second outlet group."""
    name, _, group = feed.partition("/")
    source = feeds[name]
    return source.outlet(consumer, int(group)) if group and isinstance(source, UpsDevice) else source.outlet(consumer)


def _users(config: UpsConfig) -> tuple[UsmUser, ...]:
    return tuple(
        UsmUser(
            name.encode(),
            Access.WRITE if user.type == "write" else Access.READ,
            user.auth,
            (user.auth_key or "").encode(),
            user.priv,
            (user.priv_key or "").encode(),
            tuple(Oid.parse(subtree) for subtree in user.view),
            user.manager,
        )
        for name, user in config.users.items()
    )


def _server(world: World, plant: Plant, name: str, config: ServerConfig, feeds: Feeds, epoch_s: int) -> None:
    supplies = [Psu(f"{name}.psu{index}") for index in range(1, len(config.power) + 1)]
    server = Server(
        name,
        len(supplies),
        address=config.address,
        ac_link=config.ac_link,
        boot_s=config.boot_s,
        shutdown_s=config.shutdown_s,
        load_w=config.load_w,
        order_s=config.order_s,
        guests=tuple(Guest(guest, item.boot_s, item.shutdown_s, item.rank) for guest, item in config.guests.items()),
        guests_start=config.guests_start == "host",
        mac=mac_address(config.wake.mac) if config.wake is not None and config.wake.supported else b"",
    )
    for psu, feed in zip(supplies, config.power, strict=True):
        world.add(psu)
        plug(world, _socket(feeds, feed, psu.name), psu.inlet)
    world.add(server)
    for psu, dc, share in zip(supplies, server.dc, server.share_w, strict=True):
        world.connect(psu.dc, dc)
        world.connect(share, psu.share_w)
    if config.bmc is not None:
        bmc = _bmc(plant, name, config, config.bmc, epoch_s)
        world.add(bmc)
        for psu, standby in zip(supplies, bmc.chassis.standby, strict=True):
            world.connect(psu.dc, standby)
        world.connect(server.host, bmc.chassis.host)
        world.connect(bmc.chassis.order, server.order)
        world.connect(bmc.chassis.policy, server.policy)


def _bmc(plant: Plant, server: str, config: ServerConfig, bmc: BmcConfig, epoch_s: int) -> BmcDevice:
    users = [BmcUser(name, user.password, Privilege[user.privilege.upper()]) for name, user in bmc.users.items()]
    destinations = [
        AlertDestination(row.receiver, row.port, row.acknowledge, row.timeout_s, row.retries)
        for row in bmc.alerts or ()
    ]
    if bmc.alerts is None:
        destinations = [AlertDestination(LOOPBACK)]
    link = bmc.link
    options = BmcOptions(
        suites=bmc.suites or (),
        inject=bmc.inject,
        port=plant.ports.ipmi,
        os_watchdog_s=config.watchdog_s,
        hold=HoldSettings(bool(link.on), link.start_s, link.end_s, link.ceiling_s),
    )
    model = Bmc(
        f"{server}.bmc",
        bmc.address,
        len(config.power),
        users,
        destinations,
        profile=load_bmc_profile(bmc.profile),
        # The product's first name: managers know a BMC by its GUID, which stays what it was.
        guid=uuid5(NAMESPACE_DNS, f"{server}.{plant.rig}.standin.invalid"),
        epoch_s=epoch_s,
        ac_link=config.ac_link,
        options=options,
    )
    return BmcDevice(model)
