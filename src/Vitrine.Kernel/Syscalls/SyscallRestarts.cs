using Vitrine.Kernel.Async;
using Vitrine.Kernel.Futexes;
using Vitrine.Kernel.Syscalls.Ipc;
using Vitrine.Kernel.Syscalls.Signals;
using Vitrine.Kernel.Syscalls.Time;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls;

/// <summary>How each kind of interrupted call goes on: the continuations behind restart_syscall(2).</summary>
internal static class SyscallRestarts
{
    public static async KTask<SyscallResult> RunAsync(Task current)
    {
        RestartBlock block = current.Restart;
        current.Restart = default;
        switch (block.Kind)
        {
            case RestartKind.Nanosleep:
                return await SleepCalls.RestartAsync(current, block);
            case RestartKind.CpuNanosleep:
                return await SleepCalls.RestartOnCpuClockAsync(current, block);
            case RestartKind.SignalWait:
                return await SignalWaitCalls.WaitAsync(
                    current, new SignalSet(block.Argument), new UserPtr<SignalInfo>(block.Address), block.Deadline);
            case RestartKind.Poll:
                return await PollRestart.ResumeAsync(current, block);
            case RestartKind.FutexWait:
                return await FutexCore.WaitAsync(
                    current,
                    new UserPtr<uint>(block.Address),
                    (block.Argument2 >> 32) != 0,
                    (uint)block.Argument,
                    block.Deadline,
                    (uint)block.Argument2);
            default:
                return Errno.EINTR;
        }
    }
}
