namespace Vitrine.Kernel.Tasks;

/// <summary>What tasks made with CLONE_IO share (struct io_context's twin): the I/O priority, 0 for none in particular.</summary>
internal sealed class IoContext
{
    public ushort Priority { get; set; }
}

/// <content>The I/O context, which a task has once it has a priority.</content>
internal sealed partial class Task
{
    private const int IoClassShift = 13;

    public IoContext? IoContext { get; private set; }

    /// <summary>The I/O priority as ioprio_set(2) takes it; 0: none.</summary>
    public ushort IoPriority
    {
        get => IoContext?.Priority ?? 0;
        set => (IoContext ??= new IoContext()).Priority = value;
    }

    /// <summary>A child's context: the same one, or its own with the same priority.</summary>
    private void CopyIoContext(Task child, bool share)
    {
        if (share)
            child.IoContext = IoContext;
        else if (IoPriority >> IoClassShift != 0)
            child.IoPriority = IoPriority;
    }
}
