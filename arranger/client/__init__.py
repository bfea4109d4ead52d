"""Asks a service that runs somewhere; see ``arranger serve``."""

from .http import Client, ServiceError

__all__ = ["Client", "ServiceError"]
