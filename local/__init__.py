from storelink import cold_start as cold_start
