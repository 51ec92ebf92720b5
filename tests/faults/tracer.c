/* Runs a program and stops it, or lets a call fail, at a chosen step of its work on the disk.
 *
 *   tracer LOG FOLDER FAULT PROGRAM ARGUMENT...
 *
 * Every call of the program (not of its children) that changes files below FOLDER is one step, numbered from 1 and
 * written to LOG as a line of fields divided by tabs: number, thread, call, path, second path. FAULT is one of
 *
 *   none      only the log
 *   kill:N    SIGKILL before step N; the program's children are left to themselves
 *   io:N      step N fails with EIO
 *   full:N    from step N on, whatever needs room fails with ENOSPC
 *   nolock    flock fails with ENOLCK, as on a network disk without a lock manager
 *   nolock-kill:N   both
 *   hold:FILE:CALL:NAME   the first step that is not the main thread's, with that call and NAME in one of its paths,
 *                         waits until FILE exists
 *   hold-kill:FILE:CALL:NAME   the same, and SIGKILL instead of the step
 *
 * Ends when the program and all its descendants have ended, with the program's exit code (128 + signal when it was
 * killed); with 99 when one of them is still there after a minute, 98 when tracing is not permitted here.
 *
 * It uses ptrace and a seccomp filter, so that calls which do not go through libc are seen, too, and only calls of
 * interest cost time. Linux on x86-64 only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef O_TMPFILE
#define O_TMPFILE 020200000
#endif

enum { NONE = -1, CWD = -2 };

/* A call, where its paths stand (folder argument, path argument), and whether it needs room on the disk. */
static const struct call {
    long number;
    const char *name;
    int folder, path, other_folder, other_path, file, flags, room;
} CALLS[] = {
    {SYS_open, "create", CWD, 0, NONE, NONE, NONE, 1, 1},
    {SYS_creat, "create", CWD, 0, NONE, NONE, NONE, NONE, 1},
    {SYS_openat, "create", 0, 1, NONE, NONE, NONE, 2, 1},
    {SYS_mkdir, "mkdir", CWD, 0, NONE, NONE, NONE, NONE, 1},
    {SYS_mkdirat, "mkdir", 0, 1, NONE, NONE, NONE, NONE, 1},
    {SYS_rename, "rename", CWD, 0, CWD, 1, NONE, NONE, 0},
    {SYS_renameat, "rename", 0, 1, 2, 3, NONE, NONE, 0},
    {SYS_renameat2, "rename", 0, 1, 2, 3, NONE, NONE, 0},
    {SYS_link, "link", CWD, 0, CWD, 1, NONE, NONE, 1},
    {SYS_linkat, "link", 0, 1, 2, 3, NONE, NONE, 1},
    {SYS_symlink, "symlink", CWD, 1, NONE, NONE, NONE, NONE, 1},
    {SYS_symlinkat, "symlink", 1, 2, NONE, NONE, NONE, NONE, 1},
    {SYS_unlink, "unlink", CWD, 0, NONE, NONE, NONE, NONE, 0},
    {SYS_unlinkat, "unlink", 0, 1, NONE, NONE, NONE, NONE, 0},
    {SYS_rmdir, "unlink", CWD, 0, NONE, NONE, NONE, NONE, 0},
    {SYS_write, "write", NONE, NONE, NONE, NONE, 0, NONE, 1},
    {SYS_pwrite64, "write", NONE, NONE, NONE, NONE, 0, NONE, 1},
    {SYS_writev, "write", NONE, NONE, NONE, NONE, 0, NONE, 1},
    {SYS_ftruncate, "truncate", NONE, NONE, NONE, NONE, 0, NONE, 1},
    {SYS_fallocate, "write", NONE, NONE, NONE, NONE, 0, NONE, 1},
    {SYS_copy_file_range, "write", NONE, NONE, NONE, NONE, 2, NONE, 1},
    {SYS_sendfile, "write", NONE, NONE, NONE, NONE, 0, NONE, 1},
    {SYS_fsync, "fsync", NONE, NONE, NONE, NONE, 0, NONE, 0},
    {SYS_fdatasync, "fsync", NONE, NONE, NONE, NONE, 0, NONE, 0},
    {SYS_syncfs, "syncfs", NONE, NONE, NONE, NONE, 0, NONE, 0},
    {SYS_fchmod, "chmod", NONE, NONE, NONE, NONE, 0, NONE, 0},
    {SYS_chmod, "chmod", CWD, 0, NONE, NONE, NONE, NONE, 0},
    {SYS_fchmodat, "chmod", 0, 1, NONE, NONE, NONE, NONE, 0},
    {SYS_flock, "flock", NONE, NONE, NONE, NONE, 0, NONE, 0},
};
enum { COUNT = sizeof CALLS / sizeof *CALLS };

static const char *folder, *awaited, *held_call, *held_name;
static FILE *steps;
static long step, fault_step = -1;
static int kills, full, no_locks;
static pid_t held;

static void fail(const char *what)
{
    perror(what);
    _exit(98);
}

static void too_long(int signal)
{
    (void)signal;
    static const char text[] = "tracer: a process is still there after a minute\n";
    if (write(2, text, sizeof text - 1) < 0)
        _exit(97);
    _exit(99);
}

/* Runs in the new process. */
static void run(int go, char **program)
{
    struct sock_filter filter[COUNT + 3];
    char byte;
    filter[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < COUNT; i++)
        filter[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALLS[i].number, COUNT - i, 0);
    filter[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    struct sock_fprog code = {COUNT + 3, filter};
    if (read(go, &byte, 1) != 1)
        _exit(98);
    close(go);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &code))
        fail("seccomp");
    execv(program[0], program);
    fail(program[0]);
}

/* Whether a thread belongs to a process. */
static int belongs(pid_t thread, pid_t process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d", process, thread);
    return access(path, F_OK) == 0;
}

static int link_of(pid_t thread, int file, char *out)
{
    char path[64];
    if (file == AT_FDCWD)
        snprintf(path, sizeof path, "/proc/%d/cwd", thread);
    else
        snprintf(path, sizeof path, "/proc/%d/fd/%d", thread, file);
    ssize_t length = readlink(path, out, PATH_MAX - 1);
    out[length < 0 ? 0 : length] = 0;
    return out[0] == '/';
}

/* Reads a path of the program and makes it absolute. */
static int path_of(pid_t thread, int at, unsigned long address, char *out)
{
    char text[PATH_MAX] = {0};
    size_t done = 0;
    while (done < sizeof text - 1) {
        size_t most = 4096 - (address + done) % 4096;
        if (most > sizeof text - 1 - done)
            most = sizeof text - 1 - done;
        struct iovec here = {text + done, most}, there = {(void *)(address + done), most};
        ssize_t count = process_vm_readv(thread, &here, 1, &there, 1, 0);
        if (count <= 0 || memchr(text + done, 0, count))
            break;
        done += count;
    }
    if (text[0] == '/' || text[0] == 0) {
        strcpy(out, text);
        return text[0] == '/';
    }
    if (!link_of(thread, at, out))
        return 0;
    snprintf(out + strlen(out), PATH_MAX - strlen(out), "/%s", text);
    return 1;
}

static int is_inside(const char *path)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Tabs and line breaks would break the log. */
static void put(const char *path)
{
    putc('\t', steps);
    for (; *path; path++)
        putc(*path < ' ' ? '?' : *path, steps);
}

/* Whether the step is the one that waits. */
static int is_held(const char *call, const char *path, const char *other)
{
    return strcmp(call, held_call) == 0 && (strstr(path, held_name) || strstr(other, held_name));
}

/* A thread of the program is about to make a call. Whether it has to wait. */
static int handle(pid_t thread, pid_t program)
{
    struct user_regs_struct regs;
    static char path[PATH_MAX * 2], other[PATH_MAX * 2];
    if (!belongs(thread, program) || ptrace(PTRACE_GETREGS, thread, 0, &regs))
        return 0;
    unsigned long arguments[] = {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9};
    const struct call *call = CALLS;
    while (call->number != (long)regs.orig_rax)
        if (++call == CALLS + COUNT)
            return 0;
    int error = 0;
    path[0] = other[0] = 0;
    if (call->flags != NONE && !(arguments[call->flags] & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
        return 0;
    if (call->file != NONE && !link_of(thread, (int)arguments[call->file], path))
        return 0;
    if (call->path != NONE)
        path_of(thread, call->folder == CWD ? AT_FDCWD : (int)arguments[call->folder], arguments[call->path], path);
    if (call->other_path != NONE)
        path_of(thread, call->other_folder == CWD ? AT_FDCWD : (int)arguments[call->other_folder],
                arguments[call->other_path], other);
    if (!is_inside(path) && !is_inside(other))
        return 0;
    if (call->number == SYS_flock) {
        error = no_locks ? ENOLCK : 0;
    } else {
        step++;
        fprintf(steps, "%ld\t%d\t%s", step, thread, call->name);
        put(path);
        put(other);
        putc('\n', steps);
        if (kills && step == fault_step) {
            kill(program, SIGKILL);
            return 0;
        }
        if (awaited && !held && thread != program && is_held(call->name, path, other)) {
            held = thread;
            alarm(60);
            return 1;
        }
        if (full ? step >= fault_step && fault_step > 0 && call->room : !kills && step == fault_step)
            error = full ? ENOSPC : EIO;
    }
    if (error) {
        regs.orig_rax = -1;
        regs.rax = -error;
        ptrace(PTRACE_SETREGS, thread, 0, &regs);
    }
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 5)
        return 97;
    folder = arguments[2];
    char *fault = arguments[3], *number = strchr(fault, ':');
    if (number)
        *number++ = 0;
    if (number && strncmp(fault, "hold", 4) == 0) {
        awaited = strtok(number, ":");
        held_call = strtok(NULL, ":");
        held_name = strtok(NULL, ":");
        if (!held_name)
            return 97;
    }
    fault_step = number && !awaited ? atol(number) : -1;
    kills = strstr(fault, "kill") != NULL;
    full = strstr(fault, "full") != NULL;
    no_locks = strstr(fault, "nolock") != NULL;
    steps = fopen(arguments[1], "we");
    int go[2];
    if (!steps || pipe2(go, O_CLOEXEC))
        fail(arguments[1]);
    pid_t program = fork();
    if (program == 0)
        run(go[0], arguments + 4);
    long options = PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP;
    if (ptrace(PTRACE_SEIZE, program, 0, options))
        fail("ptrace");
    if (write(go[1], "x", 1) != 1)
        fail("pipe");
    signal(SIGALRM, too_long);
    int result = 97, status;
    pid_t thread;
    while ((thread = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (thread <= 0)
            continue;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (thread == program) {
                result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                alarm(60); /* for what the program has left */
            }
            continue;
        }
        int event = status >> 16, signal = WSTOPSIG(status);
        int waits = event == PTRACE_EVENT_SECCOMP && handle(thread, program);
        if (held && awaited && access(awaited, F_OK) == 0) {
            awaited = NULL;
            alarm(0);
            if (kills)
                kill(program, SIGKILL);
            else if (!waits)
                ptrace(PTRACE_CONT, held, 0, 0);
            else
                waits = 0;
        }
        if (waits)
            continue;
        if (event == PTRACE_EVENT_STOP && (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU))
            ptrace(PTRACE_LISTEN, thread, 0, 0);
        else
            ptrace(PTRACE_CONT, thread, 0, event ? 0 : signal);
    }
    fclose(steps);
    return result;
}
