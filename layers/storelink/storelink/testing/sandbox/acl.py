"""The ACL resources that the sandbox store's REST API needs: what the tab *API* of an integration has to tick."""

from enum import StrEnum


class AclResource(StrEnum):
    """One ACL resource, by Magento's name."""

    ADMIN = "Magento_Backend::admin"
    STORE = "Magento_Backend::store"
    CATALOG = "Magento_Catalog::catalog"
    PRODUCTS = "Magento_Catalog::products"
    ATTRIBUTES = "Magento_Catalog::attributes_attributes"
    STOCK = "Magento_CatalogInventory::cataloginventory"
    SOURCES = "Magento_InventoryApi::source"
    ORDERS = "Magento_Sales::actions_view"
    ORDER_COMMENT = "Magento_Sales::comment"
    INVOICE = "Magento_Sales::invoice"
    INVOICES = "Magento_Sales::sales_invoice"
    SHIP = "Magento_Sales::ship"
    SHIPMENTS = "Magento_Sales::shipment"
    CUSTOMERS = "Magento_Customer::customer"
    MANAGE_CUSTOMERS = "Magento_Customer::manage"
    DELETE_CUSTOMERS = "Magento_Customer::delete"
    BULK_STATUS = "Magento_Logging::system_magento_logging_bulk_operations"
