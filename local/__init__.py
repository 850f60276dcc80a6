"""Storelink on one machine: the API, its AWS, and a store to connect."""
