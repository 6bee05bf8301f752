"""What the settings of the call centre accept, in Russian, by the description of the kind of value."""

ACCEPTED_VALUES = {
    "names of cards, separated by commas": "имена карт через запятую",
    "a share above 0, up to 1": "доля больше 0 и не больше 1",
    "a whole number from 1 to 64": "целое число от 1 до 64",
    "a whole number from 1 to 500": "целое число от 1 до 500",
    "a time zone such as Europe/Kyiv": "часовой пояс, например Europe/Kyiv",
}
