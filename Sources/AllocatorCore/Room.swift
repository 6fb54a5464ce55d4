package enum AllocatorCoreRoom {}
