package enum ContainersRoom {}
