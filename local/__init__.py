"""Storelink on one machine: the API, its AWS, and a store to connect."""

from storelink import cold_start as cold_start
