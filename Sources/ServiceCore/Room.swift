package enum ServiceCoreRoom {}
