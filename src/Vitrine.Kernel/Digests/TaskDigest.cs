using System.Runtime.InteropServices;
using Vitrine.Cpu;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Digests;

/// <summary>All processes in order of their numbers, their threads in order of creation, and what these have: address space, descriptors, signals.</summary>
internal static unsafe class TaskDigest
{
    /// <summary>Of 16 bytes; the rest says nothing.</summary>
    private const int X87Bytes = 10;

    public static byte[] Compute(KernelInstance kernel, DigestWriter writer)
    {
        foreach (ThreadGroup group in kernel.Tasks.Processes)
        {
            AddGroup(writer, group);
            foreach (Task task in group.Threads)
                AddTask(writer, task);
            if (group.Leader.Mm is { } mm)
                AddAddressSpace(writer, mm);
            if (group.Leader.Files is { } files)
                AddFiles(writer, files);
        }

        return writer.Finish();
    }

    private static void AddGroup(DigestWriter writer, ThreadGroup group)
    {
        writer.Add(group.Leader.Tgid);
        writer.Add(group.Leader.Parent?.Tgid ?? 0);
        writer.Add(group.ProcessGroup.Global);
        writer.Add(group.Session.Global);
        writer.Add(group.LiveThreads);
        writer.Add(group.UserTime);
        writer.Add(group.SystemTime);
        writer.Add(group.SharedPending.Set.Bits);
        writer.Add(group.IsExiting);
        writer.Add(group.GroupExitCode);
        writer.Add(group.StartTime.Nanoseconds);
        for (var signal = (SignalNumber)1; signal <= SignalNumber.RealTimeMax; signal++)
        {
            writer.Add(group.Handlers[signal].Handler);
            writer.Add((ulong)group.Handlers[signal].Flags);
            writer.Add(group.Handlers[signal].Mask.Bits);
        }

        foreach (RLimit limit in group.Limits)
        {
            writer.Add(limit.Soft);
            writer.Add(limit.Hard);
        }
    }

    private static void AddTask(DigestWriter writer, Task task)
    {
        writer.Add(task.Tid);
        writer.Add(task.Comm);
        writer.Add((long)task.State);
        writer.Add((long)task.Path);
        writer.Add((long)task.Work);
        writer.Add(task.OriginalRax);
        writer.Add(task.ExitCode);
        writer.Add(task.Blocked.Bits);
        writer.Add(task.Pending.Set.Bits);
        writer.Add(task.Credentials.Uid.Value);
        writer.Add(task.Credentials.Gid.Value);
        writer.Add(task.Personality);
        if (task.Registers is not null)
            AddRegisters(writer, task.Registers);
        SchedEntity entity = task.Sched;
        writer.Add(entity.Nice);
        writer.Add((long)entity.Policy);
        writer.Add(entity.RealTimePriority);
        writer.Add(entity.VirtualRuntime);
        writer.Add(entity.VirtualDeadline);
        writer.Add(entity.Lag);
        writer.Add(entity.Sequence);
        writer.Add(entity.Affinity);
        writer.Add(entity.UserTime);
        writer.Add(entity.SystemTime);
        writer.Add(entity.VoluntarySwitches);
        writer.Add(entity.InvoluntarySwitches);
        writer.Add(entity.RunDelay);
        writer.Add(entity.TimesRun);
    }

    private static void AddRegisters(DigestWriter writer, RegisterFile* registers)
    {
        // SAFETY: the task's own block of this size; the kernel lock is held and the task in the kernel.
        var bytes = new ReadOnlySpan<byte>(registers, sizeof(RegisterFile));
        int st = (int)Marshal.OffsetOf<RegisterFile>(nameof(RegisterFile.St));
        writer.Add(bytes[..st]);
        for (int i = 0; i < 8; i++)
            writer.Add(bytes.Slice(st + (i * 16), X87Bytes));
        writer.Add(bytes[(st + 128)..]);
    }

    private static void AddAddressSpace(DigestWriter writer, MmStruct mm)
    {
        writer.Add(mm.PageTableRoot.Value);
        writer.Add(mm.Users);
        writer.Add(mm.Brk.Value);
        writer.Add(mm.MmapBase.Value);
        writer.Add(mm.Areas.Count);
        for (int i = 0; i < mm.Areas.Count; i++)
        {
            VmArea area = mm.Areas[i];
            writer.Add(area.Start.Value);
            writer.Add(area.End.Value);
            writer.Add((ulong)area.Flags);
            writer.Add(area.PageOffset);
            writer.Add(area.File?.Inode.Number.Value ?? 0);
        }
    }

    private static void AddFiles(DigestWriter writer, FdTable files)
    {
        writer.Add(files.Users);
        for (int fd = 0; fd < files.Capacity; fd++)
        {
            if (files.Peek(new Fd(fd)) is not { } file)
                continue;
            writer.Add(fd);
            writer.Add(files.IsCloseOnExec(new Fd(fd)));
            writer.Add((ulong)file.Flags);
            writer.Add(file.Position);
            writer.Add(file.Inode.Number.Value);
            writer.Add((ulong)file.Inode.Mode);
        }
    }
}
