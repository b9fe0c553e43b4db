"""What is known of providers and models: data files beside this module, read once, looked up without allocation."""

from tierscope.catalog.providers import Catalog, Provider, Refusal, load
from tierscope.catalog.rows import CatalogError

__all__ = ["Catalog", "CatalogError", "Provider", "Refusal", "load"]
