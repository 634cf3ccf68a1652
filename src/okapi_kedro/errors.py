"""The error of everything a user can put right."""


class UserError(ValueError):
    """Something in the user's files, parameters or environment is wrong; the message is one line that says what and how to mend it."""
