#ifndef CBAREDRIVER_H
#define CBAREDRIVER_H

#include "allocation_counter.h"
#include "bare_driver.h"
#include "command_recorder.h"
#include "process_usage.h"

#endif
