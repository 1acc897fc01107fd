using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Vitrine.Cpu;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Vfs;
using MemoryStream = System.IO.MemoryStream;

namespace Vitrine.Kernel.Tasks.CoreDumps;

/// <summary>
/// The notes of a core file (linux/elfcore.h, sys/procfs.h): registers and signal state of each thread, the one that died
/// first; what the process was; its auxiliary vector and mapped files.
/// </summary>
internal sealed class CoreNotes
{
    private const uint PrStatus = 1;
    private const uint FpRegisters = 2;
    private const uint PrPsInfo = 3;
    private const uint Auxv = 6;
    private const uint ExtendedState = 0x202;
    private const uint SigInfo = 0x53494749;
    private const uint MappedFiles = 0x46494c45;

    private const int PrStatusSize = 336;
    private const int PrPsInfoSize = 136;
    private const int RegistersAt = 112;

    private readonly MemoryStream _bytes = new();

    public static byte[] Make(Task dumper, in SignalInfo info)
    {
        var notes = new CoreNotes();
        MmStruct mm = dumper.Mm!;
        notes.AddStatus(dumper, info.Signal);
        notes.Add(PrPsInfo, ProcessInfo(dumper));
        notes.Add(SigInfo, MemoryMarshal.AsBytes(new ReadOnlySpan<SignalInfo>(in info)));
        notes.Add(Auxv, MemoryMarshal.AsBytes(mm.SavedAuxv.AsSpan()));
        notes.Add(MappedFiles, Files(dumper, mm));
        notes.AddFpu(dumper);
        foreach (Task thread in dumper.ThreadGroup.Threads)
        {
            if (thread == dumper || thread.ThreadGroup.CoreDump is null)
                continue;
            notes.AddStatus(thread, info.Signal);
            notes.AddFpu(thread);
        }

        return notes._bytes.ToArray();
    }

    private void Add(uint type, ReadOnlySpan<byte> content)
    {
        ReadOnlySpan<byte> owner = type is ExtendedState ? "LINUX\0"u8 : "CORE\0"u8;
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteInt32LittleEndian(head, owner.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], type);
        _bytes.Write(head);
        _bytes.Write(owner);
        Align();
        _bytes.Write(content);
        Align();
    }

    private void Align()
    {
        while (_bytes.Length % 4 != 0)
            _bytes.WriteByte(0);
    }

    private unsafe void AddStatus(Task thread, SignalNumber signal)
    {
        byte[] status = new byte[PrStatusSize];
        Put32(status, 0, (int)signal);
        BinaryPrimitives.WriteInt16LittleEndian(status.AsSpan(12), (short)signal);
        Put(status, 16, (thread.Pending.Set | thread.ThreadGroup.SharedPending.Set).Bits);
        Put(status, 24, thread.Blocked.Bits);
        PutIdentity(status, 32, thread, thread.Pid.In(thread.Namespaces.Pid));
        PutTime(status, 48, thread.Sched.UserTime);
        PutTime(status, 64, thread.Sched.SystemTime);
        PutTime(status, 80, thread.ThreadGroup.Children.UserTime);
        PutTime(status, 96, thread.ThreadGroup.Children.SystemTime);
        RegisterFile* r = thread.Registers;
        ReadOnlySpan<ulong> registers =
        [
            r->Gpr[15], r->Gpr[14], r->Gpr[13], r->Gpr[12], r->Rbp, r->Rbx, r->R11, r->R10, r->R9, r->R8, r->Rax, r->Rcx, r->Rdx, r->Rsi, r->Rdi,
            (ulong)thread.SyscallNumber, r->Rip, r->Cs, r->Rflags, r->Rsp, r->Ss, r->FsBase, r->GsBase, r->Ds, r->Es, r->Fs, r->Gs,
        ];
        MemoryMarshal.AsBytes(registers).CopyTo(status.AsSpan(RegistersAt));
        Put32(status, 328, 1);
        Add(PrStatus, status);
    }

    private unsafe void AddFpu(Task thread)
    {
        FpuStateArea layout = thread.Kernel.FpuState;
        Add(FpRegisters, ExtendedStateArea.ReadLegacy(layout, thread.Registers));
        Add(ExtendedState, ExtendedStateArea.Read(layout, thread.Registers));
    }

    private static byte[] ProcessInfo(Task task)
    {
        byte[] info = new byte[PrPsInfoSize];
        info[1] = (byte)'R';
        info[3] = (byte)(sbyte)task.Sched.Nice;
        Put32(info, 16, (int)task.Credentials.Uid.Value);
        Put32(info, 20, (int)task.Credentials.Gid.Value);
        PutIdentity(info, 24, task, task.ThreadGroup.Leader.Pid.In(task.Namespaces.Pid));
        byte[] name = Encoding.UTF8.GetBytes(task.Comm);
        name.AsSpan(0, Math.Min(name.Length, 15)).CopyTo(info.AsSpan(40));
        MmStruct mm = task.Mm!;
        Span<byte> arguments = info.AsSpan(56, 79);
        int length = mm.CopyFromUser(mm.ArgStart, arguments[..(int)Math.Min(mm.ArgEnd - mm.ArgStart, 79UL)]);
        arguments[..length].Replace((byte)0, (byte)' ');
        return info;
    }

    /// <summary>count, page size; start, end, offset in pages of each; the paths.</summary>
    private static byte[] Files(Task task, MmStruct mm)
    {
        var ranges = new List<ulong>();
        var names = new MemoryStream();
        for (int i = 0; i < mm.Areas.Count; i++)
        {
            VmArea area = mm.Areas[i];
            if (area.File is not { } file)
                continue;
            ranges.AddRange([area.Start.Value, area.End.Value, area.PageOffset]);
            names.Write(PathText.Of(file.Path, task.Fs!.Root));
            names.WriteByte(0);
        }

        var content = new MemoryStream();
        content.Write(MemoryMarshal.AsBytes<ulong>([(ulong)ranges.Count / 3, Page.Size]));
        content.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(ranges)));
        names.WriteTo(content);
        return content.ToArray();
    }

    private static void PutIdentity(byte[] target, int at, Task task, int pid)
    {
        Put32(target, at, pid);
        Put32(target, at + 4, task.ThreadGroup.Leader.Parent?.ThreadGroup.Leader.Pid.In(task.Namespaces.Pid) ?? 0);
        Put32(target, at + 8, task.ThreadGroup.ProcessGroup.In(task.Namespaces.Pid));
        Put32(target, at + 12, task.ThreadGroup.Session.In(task.Namespaces.Pid));
    }

    private static void PutTime(byte[] target, int at, long nanoseconds)
    {
        Put(target, at, (ulong)(nanoseconds / 1_000_000_000));
        Put(target, at + 8, (ulong)(nanoseconds / 1000 % 1_000_000));
    }

    private static void Put32(byte[] target, int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(target.AsSpan(at), value);

    private static void Put(Span<byte> target, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(target[at..], value);
}
