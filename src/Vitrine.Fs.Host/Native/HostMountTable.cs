using System.Buffers.Text;

namespace Vitrine.Fs.Host.Native;

/// <summary>The host's mount table, for what statfs(2) can't tell.</summary>
internal static unsafe class HostMountTable
{
    /// <summary>The devices (packed as in <see cref="HostFileId"/>) of all mounts of a type; empty if the host hides its table.</summary>
    public static HashSet<ulong> DevicesOfType(ReadOnlySpan<byte> type)
    {
        var devices = new HashSet<ulong>();
        Result<int> opened = HostCalls.OpenPath("/proc/self/mountinfo"u8, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (!opened.Ok)
            return devices;
        byte[] text = ReadAll(opened.Value);
        HostCalls.Close(opened.Value);
        ReadOnlySpan<byte> rest = text;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];

            // "36 35 98:0 /root /mount options optional… - type source options" (proc_pid_mountinfo(5)).
            int dash = line.IndexOf(" - "u8);
            if (dash < 0)
                continue;
            ReadOnlySpan<byte> typeField = line[(dash + 3)..];
            int space = typeField.IndexOf((byte)' ');
            if (space >= 0 && typeField[..space].SequenceEqual(type) && TryParseDevice(line, out ulong device))
                devices.Add(device);
        }

        return devices;
    }

    private static bool TryParseDevice(ReadOnlySpan<byte> line, out ulong device)
    {
        device = 0;
        for (int skipped = 0; skipped < 2; skipped++)
        {
            int space = line.IndexOf((byte)' ');
            if (space < 0)
                return false;
            line = line[(space + 1)..];
        }

        if (!Utf8Parser.TryParse(line, out uint major, out int used) || used >= line.Length || line[used] != ':'
            || !Utf8Parser.TryParse(line[(used + 1)..], out uint minor, out _))
        {
            return false;
        }

        device = ((ulong)major << 32) | minor;
        return true;
    }

    private static byte[] ReadAll(int descriptor)
    {
        byte[] buffer = new byte[16384];
        int length = 0;
        for (; ; )
        {
            if (length == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
            // SAFETY: the array is pinned for the call and the vector spans its free part.
            fixed (byte* p = buffer)
            {
                HostIovec vector = new() { Base = p + length, Length = (nuint)(buffer.Length - length) };
                Result<long> read = HostCalls.ReadAt(descriptor, &vector, 1, length);
                if (!read.Ok || read.Value == 0)
                    return buffer.AsSpan(0, length).ToArray();
                length += (int)read.Value;
            }
        }
    }
}
