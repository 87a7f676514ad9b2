"""What each level of isolation is known not to stop; every other probe is blocked. docs/isolation.md has the table, `table.py` writes it."""

# The network of the machine is what `--network host` gives.
HOST_NETWORK = {
    "host_loopback", "host_loopback_ipv6", "host_address", "host_admin_port", "endpoint_other_ports", "metadata_address", "other_runtime_api",
    "outside", "outside_datagram", "outside_ipv6", "names",
}  # fmt: skip

# No namespaces: the machine's processes can be seen, its network used; what Landlock has no rule for is left to file permissions.
RESTRICTED = HOST_NETWORK | {"host_passwd", "see_others", "proc_keys"}
# Before Linux 6.12, Landlock keeps no signals inside.
RESTRICTED_BEFORE_6_12 = RESTRICTED | {"signal_server", "signal_spawner"}

LEVELS = {
    # name: (level, network, what it may allow)
    "native": ("native", "isolated", set()),
    "native, host network": ("native", "host", HOST_NETWORK),
    "bwrap": ("bwrap", "isolated", set()),
    "restricted": ("restricted", "host", RESTRICTED),
    "off": ("off", "host", None),  # anything its user may do
}
