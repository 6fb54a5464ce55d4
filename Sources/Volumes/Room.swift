package enum VolumesRoom {}
