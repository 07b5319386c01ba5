"""How a process keeps its memory."""

import gc


def collect_seldom() -> None:
    """Has Python look for cycles seldom, and never among what is there already: modules, models, routes.

    Requests and events leave few cycles behind, and each look passes through everything: deliveries of webhooks cost a
    third less without them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
