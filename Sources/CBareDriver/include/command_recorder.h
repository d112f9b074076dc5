#ifndef COMMAND_RECORDER_H
#define COMMAND_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The client pools that are made from now on tell of their commands, which costs them something; pools made at other times do not. */
void bare_monitor_new_pools (bool is_on);

typedef struct bare_recording {
    uint64_t commands;
    /* The size of all of them, with the documents that travelled beside a command. */
    uint64_t bytes;
    /* The commands themselves, one after the other, as BSON; valid until the next recording begins. */
    const uint8_t *data;
    size_t length;
} bare_recording;

/* Records the commands of monitored pools from now on, without those by which the driver looks after itself. */
void bare_recording_begin (void);
bare_recording bare_recording_end (void);

#endif
