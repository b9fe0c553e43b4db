"""What is known of providers and models: data files beside this module, read once, looked up without allocation."""

from tierscope.catalog.providers import Catalog, Provider, Refusal, load

__all__ = ["Catalog", "Provider", "Refusal", "load"]
