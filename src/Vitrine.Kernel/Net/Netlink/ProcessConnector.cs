using System.Runtime.InteropServices;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Net.Netlink;

/// <summary>
/// NETLINK_CONNECTOR's only user: events of processes (drivers/connector/cn_proc.c's twin), for members of its group once
/// one has asked for them, whoever it is. Costs a test while nobody listens.
/// </summary>
internal sealed class ProcessConnector(KernelInstance kernel, NetlinkTable table) : NetlinkProtocol
{
    private const int ConnectorHeaderSize = 20;
    private const uint Group = 1;
    private const uint NoProcessor = uint.MaxValue;

    private int _listeners;
    private uint _sequence;

    /// <summary>Somebody listens.</summary>
    public bool IsListenedTo => _listeners > 0;

    public override void Receive(Task current, NetlinkSocket from, byte[] data)
    {
        const uint listen = 1, ignore = 2;
        if (data.Length < NetlinkHeader.Size + ConnectorHeaderSize + sizeof(uint))
            return;
        NetlinkHeader header = MemoryMarshal.Read<NetlinkHeader>(data);
        if (header.Length < NetlinkHeader.Size + ConnectorHeaderSize || header.Length > (uint)data.Length)
            return;
        ReadOnlySpan<byte> message = data.AsSpan(NetlinkHeader.Size);
        if (MemoryMarshal.Read<uint>(message) != Group || MemoryMarshal.Read<uint>(message[4..]) != Group)
            return;
        uint acknowledgement = MemoryMarshal.Read<uint>(message[12..]);
        int length = MemoryMarshal.Read<ushort>(message[16..]);
        ReadOnlySpan<byte> input = message[ConnectorHeaderSize..];

        // Events of all processes are no business of a namespace's.
        if (current.Namespaces.Pid != kernel.InitialNamespaces.Pid)
            return;
        if (length is not (sizeof(uint) or (2 * sizeof(uint))) || input.Length < length)
            return;
        Errno error = Errno.Success;
        uint wanted = length > sizeof(uint) ? MemoryMarshal.Read<uint>(input[sizeof(uint)..]) : uint.MaxValue;
        switch (MemoryMarshal.Read<uint>(input))
        {
            case listen:
                if (from.ProtocolState is null)
                    _listeners++;
                from.ProtocolState = new Interest(wanted);
                break;
            case ignore:
                SocketGone(from);
                break;
            default:
                error = Errno.EINVAL;
                break;
        }

        if (IsListenedTo)
            Send(new ProcessEvent { Kind = ProcessEventKind.None, Error = (uint)error, Processor = NoProcessor }, acknowledgement + 1);
    }

    public override void SocketGone(NetlinkSocket socket)
    {
        if (socket.ProtocolState is null)
            return;
        socket.ProtocolState = null;
        _listeners--;
    }

    public void Forked(Task child, Task parent) => Send(
        Event(ProcessEventKind.Fork, parent) with { OtherPid = child.Tid, OtherTgid = child.Tgid });

    public void Executed(Task task) => Send(Event(ProcessEventKind.Exec, task));

    public void ChangedSession(Task task) => Send(Event(ProcessEventKind.Session, task));

    public void ChangedIds(Task task, Credentials before, Credentials after)
    {
        if (before.Uid != after.Uid || before.Euid != after.Euid)
            Send(Event(ProcessEventKind.Uid, task) with { RealId = after.Uid.Value, EffectiveId = after.Euid.Value });
        if (before.Gid != after.Gid || before.Egid != after.Egid)
            Send(Event(ProcessEventKind.Gid, task) with { RealId = after.Gid.Value, EffectiveId = after.Egid.Value });
    }

    public void Renamed(Task task)
    {
        ProcessEvent told = Event(ProcessEventKind.Name, task);
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<ProcessEvent>(ref told));
        _ = System.Text.Encoding.Latin1.GetBytes(task.Comm, bytes.Slice(24, Task.CommLength - 1));
        Send(in told);
    }

    public void Exited(Task task)
    {
        Task? parent = task.Parent;
        Send(Event(ProcessEventKind.Exit, task) with
        {
            ExitCode = (uint)task.ExitCode,
            ExitSignal = (uint)task.ExitSignal,
            ParentPid = parent?.Tid ?? 0,
            ParentTgid = parent?.Tgid ?? 0,
        });
    }

    private ProcessEvent Event(ProcessEventKind kind, Task task) => new()
    {
        Kind = kind,
        Processor = (uint)task.Sched.Processor,
        Pid = task.Tid,
        Tgid = task.Tgid,
    };

    private void Send(in ProcessEvent told) => Send(in told, 0);

    private void Send(in ProcessEvent told, uint acknowledgement)
    {
        uint sequence = _sequence++;
        ProcessEvent sent = told with { Time = (ulong)kernel.Time.Now.Nanoseconds };
        ReadOnlySpan<byte> body = MemoryMarshal.AsBytes(new ReadOnlySpan<ProcessEvent>(in sent));
        Span<byte> message = stackalloc byte[ConnectorHeaderSize + body.Length];
        message.Clear();
        MemoryMarshal.Write(message, Group);
        MemoryMarshal.Write(message[4..], Group);
        MemoryMarshal.Write(message[8..], sequence);
        MemoryMarshal.Write(message[12..], acknowledgement);
        MemoryMarshal.Write(message[16..], (ushort)body.Length);
        body.CopyTo(message[ConnectorHeaderSize..]);
        byte[] data = NetlinkMessages.Build(NetlinkHeader.DoneType, NetlinkFlags.None, sequence, 0, message);
        foreach (NetlinkSocket socket in table.Members((int)NetlinkProtocolNumber.Connector, Group))
        {
            if (socket.ProtocolState is not Interest { } interest || told.Kind == ProcessEventKind.None || (interest.Kinds & (uint)told.Kind) != 0)
                _ = socket.Deliver(data, 0, Group, NetlinkMessages.KernelIdentity);
        }
    }

    /// <summary>The kinds of events that a listener asked for.</summary>
    private sealed record Interest(uint Kinds);
}
