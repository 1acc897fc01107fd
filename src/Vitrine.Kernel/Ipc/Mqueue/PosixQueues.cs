using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc.Mqueue;

/// <summary>
/// The POSIX message queues of an IPC namespace: their limits (/proc/sys/fs/mqueue) and the file system that holds their
/// names, made when somebody first needs it and kept by an internal mount until the namespace ends.
/// </summary>
internal sealed class PosixQueues(IpcNamespace ns)
{
    /// <summary>What not even the super-user may exceed: messages of a queue, bytes of a message.</summary>
    public const int HardMessageMaximum = 65536;

    public const int HardMessageSizeMaximum = 16 << 20;

    /// <summary>One more than the highest priority (MQ_PRIO_MAX).</summary>
    public const uint Priorities = 32768;

    private Mount? _mount;

    public IpcNamespace Namespace { get; } = ns;

    /// <summary>Queues now.</summary>
    public int Count { get; set; }

    public int QueueMaximum { get; set; } = 256;

    public int MessageMaximum { get; set; } = 10;

    public int MessageSizeMaximum { get; set; } = 8192;

    public int DefaultMessages { get; set; } = 10;

    public int DefaultMessageSize { get; set; } = 8192;

    /// <summary>The internal mount that mq_open looks in.</summary>
    public Mount GetMount(KernelInstance kernel)
    {
        if (_mount is null)
        {
            var superBlock = new MqueueSuperBlock(kernel, this);
            kernel.Vfs.AddSuperBlock(superBlock);
            _mount = new Mount(superBlock);
        }

        return _mount;
    }

    /// <summary>The namespace ends: queues go when nobody has them open or mounted any more.</summary>
    public void Release()
    {
        _mount?.Put();
        _mount = null;
    }
}
