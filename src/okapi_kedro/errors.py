"""The error of everything a user can put right."""


class UserError(ValueError):
    """Something in the user's files, parameters or environment is wrong; one line says what, and how to mend it."""
