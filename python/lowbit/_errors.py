# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What can go wrong, as exceptions that carry the diagnostic."""


class Error(Exception):
    """Base of all errors of this package; `diagnostic` is the compiler's or runtime's text."""

    def __init__(self, diagnostic: str) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic


class CompileError(Error):
    """The model cannot be compiled; the diagnostic names the node or tensor."""


class LoadError(Error):
    """The file is no artifact, or needs another version or another CPU."""


class RunError(Error):
    """The model refused the values of its inputs, such as a token beyond the vocabulary."""


class InputError(RunError, ValueError):
    """Inputs that do not fit the model's names, element types or shapes."""
