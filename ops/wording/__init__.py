"""Every sentence that operators read from `ops`, in Russian: strings only, no imports."""
