/*
 * process: what /proc tells of another process, for messages that name who is in the way.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

/* "running", "stopped", "waiting for the disk" or "gone". */
const char *process_state(int pid);

#endif
