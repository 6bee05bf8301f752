"""A stranger's text as a prompt shows it: between two lines that the prompt names."""


def framed(body: str, mark: str) -> str:
    """The transcript between two lines that it cannot contain: `mark` is made from its own checksum."""
    return f"=== НАЧАЛО ТЕКСТА {mark} ===\n{body.rstrip()}\n=== КОНЕЦ ТЕКСТА {mark} ==="
