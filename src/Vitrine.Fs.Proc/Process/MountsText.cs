using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>/proc/PID/mounts and mountinfo: poll tells, once to each opener, that the mount table has changed (proc(5)).</summary>
internal sealed class MountsText(ProcessContext context, Action<Task, ProcessContext, GeneratedText> generate)
    : TextInode(context.SuperBlock, ReadOnlyMode)
{
    public override bool IsStillValid => context.IsAlive;

    public override KTask<Errno> GenerateAsync(Task current, OpenFile file, GeneratedText text)
    {
        if (!context.IsAlive)
            return Fail(Errno.ESRCH);
        generate(current, context, text);
        return Fail(Errno.Success);
    }

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new MountsFile(path, this, flags, context.Task.Namespaces.Mount));

    private sealed class MountsFile(VfsPath path, TextInode inode, OpenFlags flags, MountNamespace mounts) : TextFile(path, inode, flags)
    {
        private ulong _seen = mounts.Event;

        public override bool IsPollable => true;

        public override PollEvents Poll(PollTable? table)
        {
            table?.Add(mounts.Changed);
            PollEvents events = PollEvents.In | PollEvents.ReadNormal;
            if (_seen == mounts.Event)
                return events;
            _seen = mounts.Event;
            return events | PollEvents.Error | PollEvents.Priority;
        }
    }
}
