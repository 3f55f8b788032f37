"""All errors that edgenas raises on purpose, as one tree of classes.

EdgenasError            base: caught by the command line, printed as one line
  InputError            a value breaks a rule (exit code 2)
    MissingExtraError   an optional package is not installed (exit code 2)
  OutcomeError          the input was valid, but the job did not succeed (exit code 1)
  DeviceError           a device did not do what was requested (exit code 1)
    TimeLimitError      a command ran longer than its time limit; carries the output printed until then
    OutputLimitError    a command printed more than its output limit
    TransferError       a file or folder was not copied completely
    LostError           the device does not answer, or the connection broke: the command may have run
    DeviceInputError    an inventory, a device's name or a path breaks a rule; also an InputError (exit code 2)
"""

from __future__ import annotations

from edgenas.base.installing import install_extra


class EdgenasError(Exception):
    """Base class of every error that edgenas raises on purpose."""


class InputError(EdgenasError, ValueError):
    """Error where a value breaks a rule; the message names the value, the rule and what to do."""


class MissingExtraError(InputError):
    """Error where an optional dependency is not installed.

    >>> str(MissingExtraError("torch", "train", "training a network"))  # doctest: +ELLIPSIS
    "training a network needs torch, which is not installed: ...pip install 'edgenas[train]'"
    """

    def __init__(self, module: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {module}, which is not installed: {install_extra(extra)}")


class OutcomeError(EdgenasError):
    """Error where a job ran and did not succeed, for example because a file is outside its budget."""


class DeviceError(EdgenasError):
    """Error where a device did not do what was requested; the message names the device, the request and what to do."""


class TimeLimitError(DeviceError):
    """Error where a command was stopped at its time limit; ``stdout`` and ``stderr`` hold the output printed until
    then.
    """

    def __init__(self, message: str, stdout: str, stderr: str) -> None:
        super().__init__(message)
        self.stdout = stdout
        self.stderr = stderr


class OutputLimitError(DeviceError):
    """Error where a command was stopped because it printed more than its output limit."""


class TransferError(DeviceError):
    """Error where a file or folder was not copied completely; no part of it is left at the destination path."""


class LostError(DeviceError):
    """Error where the device does not answer, or the connection broke; the command may or may not have run."""


class DeviceInputError(DeviceError, InputError):
    """Error where an inventory, a device's name or a path breaks a rule."""
