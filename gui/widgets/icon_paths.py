"""The program's own line icons, as SVG paths on a 24 x 24 grid."""

PATHS = {
    "set-up": "M4 7h10M18 7h2M4 17h4M12 17h8M14 5h4v4h-4zM8 15h4v4h-4z",
    "arm": "M4 21h8M8 21v-5M8 16l3-8M11 8l7 3M18 11v4M16 15h4M16 15v3M20 15v3",
    "rehearse": "M3 5h18v14H3zM10 9l5 3-5 3z",
    "library": "M4 4h4v16H4zM10 4h4v16h-4zM16.5 4.5l3.6-.9 3.6 15.4-3.6.9z",
    "history": "M4 12a8 8 0 1 0 2.5-5.8M4 4v4h4M12 8v4l3 2",
    "calibrate": "M12 3v4M12 17v4M3 12h4M17 12h4M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8",
    "record": "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 9a3 3 0 1 0 0 6a3 3 0 0 0 0-6",
    "log": "M5 4h14v16H5zM8 8h8M8 12h8M8 16h5",
    "light": "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6l1.4 1.4M17 17l1.4 1.4"
    "M18.4 5.6L17 7M7 17l-1.4 1.4",
    "dark": "M20 14.5A8 8 0 0 1 9.5 4A8 8 0 1 0 20 14.5z",
    "system": "M3 5h18v11H3zM9 20h6M12 16v4",
    "stop": "M8 3h8l5 5v8l-5 5H8l-5-5V8z",
    "check": "M5 13l4 4L19 7",
    "cross": "M6 6l12 12M18 6L6 18",
    "warning": "M12 4L2.5 20h19zM12 10v5M12 17.5v.5",
    "info": "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 11v6M12 7.5v.5",
    "small-up": "M6 15l6-6 6 6",
    "small-down": "M6 9l6 6 6-6",
    "up": "M12 19V5M6 11l6-6 6 6",
    "down": "M12 5v14M6 13l6 6 6-6",
    "left": "M19 12H5M11 6l-6 6 6 6",
    "right": "M5 12h14M13 6l6 6-6 6",
    "turn-left": "M5 10a8 8 0 1 1 0 6M5 4v6h6",
    "turn-right": "M19 10a8 8 0 1 0 0 6M19 4v6h-6",
    "home": "M3 11l9-7 9 7M6 9v11h12V9M10 20v-6h4v6",
    "hand": "M8 12V6a1.5 1.5 0 0 1 3 0v5M11 11V4.5a1.5 1.5 0 0 1 3 0V11M14 11V6a1.5 1.5 0 0 1 3 0v9a6 6 0 0 1-6 6"
    "a6 6 0 0 1-5-3l-2.5-4a1.4 1.4 0 0 1 2.4-1.5L8 15",
    "gripper-open": "M12 3v4M5 7h14M5 7v6l-1 7M19 7v6l1 7",
    "gripper-closed": "M12 3v4M5 7h14M5 7v6l5 7M19 7v6l-5 7",
    "camera": "M4 7h4l2-3h4l2 3h4v12H4zM12 9a4 4 0 1 0 0 8a4 4 0 0 0 0-8",
    "plug": "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
    "refresh": "M20 11a8 8 0 1 0-2 6M20 5v6h-6",
    "play": "M7 4l13 8-13 8z",
    "pause": "M8 5v14M16 5v14",
    "loop": "M17 3l4 4-4 4M21 7H7a4 4 0 0 0-4 4M7 21l-4-4 4-4M3 17h14a4 4 0 0 0 4-4",
    "trash": "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
    "undo": "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
    "filter": "M3 5h18l-7 8v7l-4-2v-5z",
    "plus": "M12 5v14M5 12h14",
    "minus": "M5 12h14",
    "box": "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
    "lab": "M9 3h6M10 3v6l-5 9a2 2 0 0 0 2 3h10a2 2 0 0 0 2-3l-5-9V3M7.5 14h9",
    "speed": "M4 18a9 9 0 1 1 16 0M12 14l4-5",
}


def svg(name: str, colour: str, width: float = 1.8) -> bytes:
    """Return the icon as an SVG document in a colour (#rrggbb). Raises KeyError for an unknown name."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<path d="{PATHS[name]}" fill="none" stroke="{colour}" stroke-width="{width}" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    ).encode()
