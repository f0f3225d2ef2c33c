"""Themes as data. Colour only repeats what a glyph and a word say."""

from __future__ import annotations

from textual.theme import Theme

THEMES = (
    Theme(
        name="trainshed-dark",
        primary="#5aa9e6",
        secondary="#8fa3b8",
        accent="#e0b25a",
        foreground="#d7dde4",
        background="#12161b",
        surface="#1a2027",
        panel="#242c35",
        success="#6cc28a",
        warning="#e0b25a",
        error="#ec7a72",
        dark=True,
        variables={"muted": "#8795a5", "footer-key-foreground": "#5aa9e6", "block-cursor-text-style": "bold"},
    ),
    Theme(
        name="trainshed-light",
        primary="#0b5c99",
        secondary="#4d5f70",
        accent="#8a5a00",
        foreground="#1b232b",
        background="#f7f8f9",
        surface="#eceff2",
        panel="#dde3e8",
        success="#1a6e3c",
        warning="#8a5a00",
        error="#a8261d",
        dark=False,
        variables={"muted": "#55636f", "footer-key-foreground": "#0b5c99", "block-cursor-text-style": "bold"},
    ),
    Theme(
        name="trainshed-contrast",
        primary="#ffff00",
        secondary="#ffffff",
        accent="#00ffff",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        success="#00ff66",
        warning="#ffd000",
        error="#ff6b6b",
        dark=True,
        text_alpha=1.0,
        variables={
            "muted": "#ffffff",
            "footer-key-foreground": "#ffff00",
            "block-cursor-text-style": "bold reverse",
            "border": "#ffffff",
            "border-blurred": "#ffffff",
        },
    ),
    Theme(
        name="trainshed-contrast-light",
        primary="#00008b",
        secondary="#000000",
        accent="#5b0060",
        foreground="#000000",
        background="#ffffff",
        surface="#ffffff",
        panel="#e4e4e4",
        success="#004d1a",
        warning="#6b3f00",
        error="#8b0000",
        dark=False,
        text_alpha=1.0,
        variables={
            "muted": "#000000",
            "footer-key-foreground": "#00008b",
            "block-cursor-text-style": "bold reverse",
            "border": "#000000",
            "border-blurred": "#000000",
        },
    ),
    # Blue and orange stay apart for red-green colour blindness (Okabe and Ito, 2008).
    Theme(
        name="trainshed-blue-orange",
        primary="#56b4e9",
        secondary="#a9b4bf",
        accent="#f0e442",
        foreground="#dfe4e9",
        background="#101418",
        surface="#191f26",
        panel="#232b34",
        success="#56b4e9",
        warning="#f0e442",
        error="#e69f00",
        dark=True,
        variables={"muted": "#93a0ad", "footer-key-foreground": "#56b4e9", "block-cursor-text-style": "bold"},
    ),
    Theme(
        name="trainshed-blue-orange-light",
        primary="#005a94",
        secondary="#4d5f70",
        accent="#5c4a00",
        foreground="#1b232b",
        background="#f7f8f9",
        surface="#eceff2",
        panel="#dde3e8",
        success="#005a94",
        warning="#6a5500",
        error="#a34700",
        dark=False,
        variables={"muted": "#55636f", "footer-key-foreground": "#005a94", "block-cursor-text-style": "bold"},
    ),
)
DEFAULT = "trainshed-dark"
# What is set (preferences.schema.Theme): the theme on a dark terminal, and on a light one.
CHOICES = {
    "auto": ("trainshed-dark", "trainshed-light"),
    "dark": ("trainshed-dark", "trainshed-dark"),
    "light": ("trainshed-light", "trainshed-light"),
    "contrast": ("trainshed-contrast", "trainshed-contrast-light"),
    "contrast-dark": ("trainshed-contrast", "trainshed-contrast"),
    "contrast-light": ("trainshed-contrast-light", "trainshed-contrast-light"),
    "blue-orange": ("trainshed-blue-orange", "trainshed-blue-orange-light"),
    "blue-orange-dark": ("trainshed-blue-orange", "trainshed-blue-orange"),
    "blue-orange-light": ("trainshed-blue-orange-light", "trainshed-blue-orange-light"),
}
MUTED = "#808890"  # where a theme of somebody else's has none


def chosen(setting: str, *, light: bool) -> str:
    """The name of the theme that a setting means on a terminal with a light or a dark background."""
    return CHOICES[setting][light]
