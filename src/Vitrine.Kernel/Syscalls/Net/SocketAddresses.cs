using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Net;

/// <summary>sockaddr bytes to and from user memory.</summary>
internal static class SocketAddresses
{
    // sizeof(struct sockaddr_storage)
    private const int Maximum = 128;

    public static async KTask<Result<byte[]>> ReadAsync(Task current, VirtAddr address, int length)
    {
        if (length is < 0 or > Maximum)
            return Errno.EINVAL;
        byte[] bytes = new byte[length];
        Errno error = await current.ReadUserBytesAsync(address, bytes);
        return error != Errno.Success ? error : bytes;
    }

    /// <summary>Writes what fits and the true length, as accept and getsockname do.</summary>
    public static async KTask<Errno> WriteAsync(Task current, byte[] name, VirtAddr address, UserPtr<int> length)
    {
        Result<int> room = await current.ReadUserAsync(length);
        if (!room.Ok)
            return room.Error;
        if (room.Value < 0)
            return Errno.EINVAL;
        int count = Math.Min(room.Value, name.Length);
        Errno error = await current.WriteUserBytesAsync(address, name.AsMemory(0, count));
        return error != Errno.Success ? error : await current.WriteUserAsync(length, name.Length);
    }
}
