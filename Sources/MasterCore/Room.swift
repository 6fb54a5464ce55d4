package enum MasterCoreRoom {}
