package enum HoldfastAPIRoom {}
