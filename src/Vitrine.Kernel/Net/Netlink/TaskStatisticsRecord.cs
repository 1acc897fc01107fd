using System.Runtime.InteropServices;
using System.Text;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Net.Netlink;

/// <summary>
/// struct taskstats, version 14, as linux/taskstats.h lays it out. Delays other than that of the run queue are not measured
/// and are 0, as on a kernel without delay accounting.
/// </summary>
internal static class TaskStatisticsRecord
{
    private const ushort Version = 14;
    private const int Size = 432;
    private const byte ForkedNotExeced = 1;
    private const byte IsProcess = 0x20;

    // Offsets of the fields that are set.
    private const int ExitCodeAt = 4;
    private const int FlagAt = 8;
    private const int NiceAt = 9;
    private const int RunCountAt = 16;
    private const int RunDelayAt = 24;
    private const int RunRealAt = 64;
    private const int RunVirtualAt = 72;
    private const int NameAt = 80;
    private const int PolicyAt = 112;
    private const int UidAt = 120;
    private const int BeganAt = 136;
    private const int ElapsedAt = 144;
    private const int MemoryPeakAt = 200;
    private const int SwitchesAt = 272;
    private const int ScaledAt = 288;
    private const int Began64At = 344;
    private const int TgidAt = 368;
    private const int GroupElapsedAt = 376;

    public static byte[] OfThread(Task current, Task task)
    {
        byte[] record = new byte[Size];
        KernelInstance kernel = current.Kernel;
        ThreadGroup group = task.ThreadGroup;
        task.OnProcessor?.Settle();
        long user = task.Sched.UserTime, system = task.Sched.SystemTime;
        long age = kernel.Time.Now - task.StartTime;
        long began = kernel.Time.Realtime - age;
        Put(record, 0, Version);
        Put(record, ExitCodeAt, (uint)task.ExitCode);
        record[FlagAt] = group.HasExeced ? (byte)0 : ForkedNotExeced;
        record[NiceAt] = (byte)task.Sched.Nice;
        Put(record, RunCountAt, (ulong)task.Sched.TimesRun);
        Put(record, RunDelayAt, (ulong)task.Sched.RunDelay);
        Put(record, RunRealAt, (ulong)(user + system));
        Put(record, RunVirtualAt, (ulong)(user + system));
        _ = Encoding.Latin1.GetBytes(task.Comm, record.AsSpan(NameAt, Task.CommLength - 1));
        record[PolicyAt] = (byte)task.Sched.Policy;
        Put(record, UidAt, task.Credentials.Uid.Value);
        Put(record, UidAt + 4, task.Credentials.Gid.Value);
        Put(record, UidAt + 8, (uint)task.Pid.In(current.Namespaces.Pid));
        Put(record, UidAt + 12, (uint)(task.Parent?.ThreadGroup.Leader.Pid.In(current.Namespaces.Pid) ?? 0));
        Put(record, BeganAt, (uint)(began / Ktime.NanosecondsPerSecond));
        Put(record, ElapsedAt, (ulong)(age / 1000));
        Put(record, ElapsedAt + 8, (ulong)(user / 1000));
        Put(record, ElapsedAt + 16, (ulong)(system / 1000));
        Put(record, ElapsedAt + 24, (ulong)task.MinorFaults);
        Put(record, ElapsedAt + 32, (ulong)task.MajorFaults);
        if (task.Mm is { } mm)
            Put(record, MemoryPeakAt, (ulong)mm.Statistics.HighestRss << (Page.Shift - 10));
        Put(record, SwitchesAt, (ulong)task.Sched.VoluntarySwitches);
        Put(record, SwitchesAt + 8, (ulong)task.Sched.InvoluntarySwitches);
        Put(record, ScaledAt, (ulong)(user / 1000));
        Put(record, ScaledAt + 8, (ulong)(system / 1000));
        Put(record, ScaledAt + 16, (ulong)(user + system));
        Put(record, Began64At, (ulong)(began / Ktime.NanosecondsPerSecond));
        Put(record, TgidAt, (uint)group.Leader.Pid.In(current.Namespaces.Pid));
        Put(record, GroupElapsedAt, (ulong)((kernel.Time.Now - group.Leader.StartTime) / 1000));
        return record;
    }

    /// <summary>The sums over a process's threads, those that have ended included.</summary>
    public static byte[] OfProcess(Task current, ThreadGroup group)
    {
        byte[] record = new byte[Size];
        ulong switches = 0, forced = 0, runs = 0, delay = 0;
        foreach (Task thread in group.Threads)
        {
            switches += (ulong)thread.Sched.VoluntarySwitches;
            forced += (ulong)thread.Sched.InvoluntarySwitches;
            runs += (ulong)thread.Sched.TimesRun;
            delay += (ulong)thread.Sched.RunDelay;
        }

        Put(record, 0, Version);
        record[FlagAt] = IsProcess;
        Put(record, RunCountAt, runs);
        Put(record, RunDelayAt, delay);
        Put(record, RunRealAt, (ulong)(group.UserTime + group.SystemTime));
        Put(record, RunVirtualAt, (ulong)(group.UserTime + group.SystemTime));
        Put(record, ElapsedAt, (ulong)((current.Kernel.Time.Now - group.Leader.StartTime) / 1000));
        Put(record, ElapsedAt + 8, (ulong)(group.UserTime / 1000));
        Put(record, ElapsedAt + 16, (ulong)(group.SystemTime / 1000));
        Put(record, SwitchesAt, switches);
        Put(record, SwitchesAt + 8, forced);
        return record;
    }

    private static void Put<T>(byte[] record, int at, T value)
        where T : unmanaged => MemoryMarshal.Write(record.AsSpan(at), in value);
}
