package enum MesosAPIRoom {}
