"""Russian sentences of `common`, `clients` and `speech`, whole, as operators read them."""
