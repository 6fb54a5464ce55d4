package enum LinuxRoom {}
