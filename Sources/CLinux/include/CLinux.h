// What Swift can't call directly: one header a subject, this one includes them all.
#pragma once
#include "CLinuxStorage.h"
#include "CLinuxProcess.h"
