"""Ray's own command for a host whose address is 127.0.0.1: `python -m harness.lab.ray_command start …`.

Ray takes 127.0.0.1 as "find an address that others reach", and its servers then listen on all interfaces.
With the address kept, they listen on the loopback interface alone (seen with `ss`, and checked by a test).
"""

from collections.abc import Callable

from ray._private import services

LOOPBACK = "127.0.0.1"


def stay_on_loopback() -> None:
    """Let Ray use 127.0.0.1 as it is in this process, where nothing else has chosen an address yet."""
    if not hasattr(services, "get_node_ip_address"):
        raise RuntimeError("this version of Ray finds its address in another way: the lab was made for 2.60")
    services.get_node_ip_address = lambda address=None: LOOPBACK


if __name__ == "__main__":
    from ray.scripts import scripts

    stay_on_loopback()
    run: Callable[[], None] = scripts.main
    run()
