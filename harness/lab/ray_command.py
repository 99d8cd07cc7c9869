"""Ray's own command, kept on 127.0.0.1 where that is the address of its host: `python -m harness.lab.ray_command`.

Ray takes 127.0.0.1 as "find an address that others reach", and its servers then listen on all interfaces. With
the address kept, they listen on the loopback interface alone (seen with `ss`, and checked by a test).
"""

from ray._private import services

LOOPBACK = "127.0.0.1"


def stay_on_loopback() -> None:
    """Let Ray use 127.0.0.1 as it is in this process, where nothing else has chosen an address yet."""
    if not hasattr(services, "get_node_ip_address"):
        raise RuntimeError("this version of Ray finds its address in another way: the lab was made for 2.60")
    services.get_node_ip_address = lambda address=None: LOOPBACK


if __name__ == "__main__":
    from ray.scripts.scripts import main

    stay_on_loopback()
    main()
