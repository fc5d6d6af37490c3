"""Times as the window shows them."""

from datetime import datetime

from foundation.clocks import utc_now


def when(moment: datetime) -> str:
    """Format a local time; the year only when it differs from the present one."""
    local, now = moment.astimezone(), utc_now().astimezone()
    if local.date() == now.date():
        return f"today {local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == now.year else f"{local.day} {local:%b %Y %H:%M}"
