using System.Buffers.Binary;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Net;
using Vitrine.Kernel.Net.Unix;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Net;

/// <summary>What a sendmsg carries besides data: counted files and the identity to report.</summary>
internal sealed class OutgoingAncillary(SenderIdentity sender)
{
    public SenderIdentity Sender { get; set; } = sender;

    public OpenFile[]? Files { get; set; }

    public void Release()
    {
        if (Files is null)
            return;
        foreach (OpenFile file in Files)
            file.Put();
    }
}

/// <summary>Control messages (cmsg(3)) at level SOL_SOCKET: SCM_RIGHTS and SCM_CREDENTIALS (unix(7)).</summary>
internal static class AncillaryData
{
    private const int HeaderSize = 16;
    private const int SolSocket = 1;
    private const int ScmRights = 1;
    private const int ScmCredentials = 2;
    private const int CredentialsSize = 12;

    // net.core.optmem_max
    private const ulong Maximum = 131_072;

    public static async KTask<Result<OutgoingAncillary>> ReadAsync(Task current, VirtAddr control, ulong length)
    {
        var result = new OutgoingAncillary(SocketFile.Identify(current));
        if (length == 0)
            return result;
        if (length > Maximum)
            return Errno.ENOBUFS;
        byte[] raw = new byte[length];
        Errno error = await current.ReadUserBytesAsync(control, raw);
        if (error == Errno.Success)
            error = Parse(current, raw, result);
        if (error == Errno.Success)
            return result;
        result.Release();
        return error;
    }

    /// <summary>Writes what was received; the files become descriptors or are dropped. The bytes of control data written.</summary>
    public static async KTask<Result<long>> WriteAsync(
        Task current, Socket socket, ReceivedMessage message, VirtAddr control, long room, bool closeOnExec)
    {
        long written = 0;
        if (socket.PassCredentials && message.Sender is { } sender)
        {
            byte[] payload = new byte[CredentialsSize];
            BinaryPrimitives.WriteInt32LittleEndian(payload, sender.Pid?.In(current.Namespaces.Pid) ?? 0);
            BinaryPrimitives.WriteUInt32LittleEndian(payload.AsSpan(4), sender.Uid.Value);
            BinaryPrimitives.WriteUInt32LittleEndian(payload.AsSpan(8), sender.Gid.Value);
            Result<long> more = await EmitAsync(current, message, ScmCredentials, payload, control, room);
            if (!more.Ok)
            {
                DropFiles(message);
                return more.Error;
            }

            written += more.Value;
        }

        if (message.Files is not { } files)
            return written;
        long space = room - written - HeaderSize;
        int fit = space < sizeof(int) ? 0 : (int)Math.Min(files.Length, space / sizeof(int));
        byte[] numbers = new byte[fit * sizeof(int)];
        int installed = 0;
        while (installed < fit)
        {
            files[installed].Get();
            Result<Fd> fd = current.Files!.Install(current, files[installed], closeOnExec);
            if (!fd.Ok)
            {
                files[installed].Put();
                break;
            }

            BinaryPrimitives.WriteInt32LittleEndian(numbers.AsSpan(installed * sizeof(int)), fd.Value.Value);
            installed++;
        }

        if (installed < files.Length)
            message.Flags |= MessageFlags.ControlTruncated;
        DropFiles(message);
        if (installed == 0)
            return written;
        Result<long> rights = await EmitAsync(
            current, message, ScmRights, numbers[..(installed * sizeof(int))], control + (ulong)written, room - written);
        return rights.Ok ? written + rights.Value : rights.Error;
    }

    /// <summary>Closes what arrived and has no taker.</summary>
    public static void DropFiles(ReceivedMessage message)
    {
        if (message.Files is null)
            return;
        foreach (OpenFile file in message.Files)
            file.Put();
        message.Files = null;
    }

    private static Errno Parse(Task current, byte[] raw, OutgoingAncillary result)
    {
        int at = 0;
        while (at + HeaderSize <= raw.Length)
        {
            ulong length = BinaryPrimitives.ReadUInt64LittleEndian(raw.AsSpan(at));
            int level = BinaryPrimitives.ReadInt32LittleEndian(raw.AsSpan(at + 8));
            int type = BinaryPrimitives.ReadInt32LittleEndian(raw.AsSpan(at + 12));
            if (length < HeaderSize || length > (ulong)(raw.Length - at))
                return Errno.EINVAL;
            ReadOnlySpan<byte> payload = raw.AsSpan(at + HeaderSize, (int)length - HeaderSize);
            if (level == SolSocket)
            {
                Errno error = type switch
                {
                    ScmRights => TakeRights(current, payload, result),
                    ScmCredentials => TakeCredentials(current, payload, result),
                    _ => Errno.EINVAL,
                };
                if (error != Errno.Success)
                    return error;
            }

            at += ((int)length + 7) & ~7;
        }

        return Errno.Success;
    }

    private static Errno TakeRights(Task current, ReadOnlySpan<byte> payload, OutgoingAncillary result)
    {
        int count = payload.Length / sizeof(int);
        int had = result.Files?.Length ?? 0;
        if (had + count > UnixSocket.MaximumFiles)
            return Errno.EINVAL;
        for (int i = 0; i < count; i++)
        {
            Result<OpenFile> file = current.Files!.GetAny(new Fd(BinaryPrimitives.ReadInt32LittleEndian(payload[(i * sizeof(int))..])));
            if (!file.Ok)
                return file.Error;
            result.Files = [.. result.Files ?? [], file.Value];
        }

        return Errno.Success;
    }

    private static Errno TakeCredentials(Task current, ReadOnlySpan<byte> payload, OutgoingAncillary result)
    {
        if (payload.Length != CredentialsSize)
            return Errno.EINVAL;
        int pid = BinaryPrimitives.ReadInt32LittleEndian(payload);
        var uid = new Uid(BinaryPrimitives.ReadUInt32LittleEndian(payload[4..]));
        var gid = new Gid(BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]));
        Credentials credentials = current.Credentials;
        Namespaces.PidNumber own = current.ThreadGroup.Leader.Pid;
        bool pidAllowed = pid == own.In(current.Namespaces.Pid) || credentials.IsCapable(current.Namespaces.Pid.Owner!, Capability.SysAdmin);
        bool uidAllowed = uid == credentials.Uid || uid == credentials.Euid || uid == credentials.Suid
            || credentials.IsCapable(credentials.UserNamespace, Capability.Setuid);
        bool gidAllowed = gid == credentials.Gid || gid == credentials.Egid || gid == credentials.Sgid
            || credentials.IsCapable(credentials.UserNamespace, Capability.Setgid);
        if (!pidAllowed || !uidAllowed || !gidAllowed)
            return Errno.EPERM;
        Namespaces.PidNumber? number = pid == own.In(current.Namespaces.Pid) ? own : current.Namespaces.Pid.Find(pid);
        if (number is null)
            return Errno.ESRCH;
        result.Sender = new SenderIdentity(number, uid, gid);
        return Errno.Success;
    }

    private static async KTask<Result<long>> EmitAsync(
        Task current, ReceivedMessage message, int type, byte[] payload, VirtAddr control, long room)
    {
        if (control.Value == 0 || room < HeaderSize)
        {
            message.Flags |= MessageFlags.ControlTruncated;
            return 0;
        }

        long length = HeaderSize + payload.Length;
        if (length > room)
        {
            message.Flags |= MessageFlags.ControlTruncated;
            length = room;
        }

        byte[] raw = new byte[HeaderSize + payload.Length];
        BinaryPrimitives.WriteInt64LittleEndian(raw, length);
        BinaryPrimitives.WriteInt32LittleEndian(raw.AsSpan(8), SolSocket);
        BinaryPrimitives.WriteInt32LittleEndian(raw.AsSpan(12), type);
        payload.CopyTo(raw, HeaderSize);
        Errno error = await current.WriteUserBytesAsync(control, raw.AsMemory(0, (int)length));
        return error != Errno.Success ? error : Math.Min((length + 7) & ~7L, room);
    }
}
