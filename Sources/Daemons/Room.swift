package enum DaemonsRoom {}
