// What Swift can't call directly: one header a subject, this one includes them all.
#pragma once
#include "CLinuxNamespaces.h"
#include "CLinuxProcess.h"
#include "CLinuxStorage.h"
