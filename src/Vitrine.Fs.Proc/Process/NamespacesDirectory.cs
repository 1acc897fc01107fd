using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>/proc/PID/ns: a link per namespace, its text naming type and inode (namespaces(7)).</summary>
internal sealed class NamespacesDirectory(ProcessContext context) : GeneratedDirectory(context.SuperBlock, Public)
{
    private static readonly string[] Names = ["cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"];

    public override bool IsStillValid => context.IsAlive;

    protected override GeneratedInode? Find(Task current, FileName name)
    {
        string wanted = name.ToString();
        return Array.IndexOf(Names, wanted) < 0 ? null : new NamespaceLink(context, wanted);
    }

    public override void List(Task current, GeneratedListing listing)
    {
        for (int i = 0; i < Names.Length; i++)
            listing.Add(2 + i, Names[i], new InodeNumber(ProcessDirectory.InodeOf(context.Task).Value + 0x80 + (ulong)i), FileMode.Symlink);
    }

    private sealed class NamespaceLink(ProcessContext context, string name) : GeneratedInode(context.SuperBlock, FileMode.Symlink | (FileMode)0x1ff)
    {
        public override bool IsStillValid => context.IsAlive;

        public override KTask<Result<byte[]>> ReadLinkAsync(Task current)
        {
            if (!ProcessAccess.MayRead(current, context.Task))
                return Fail<byte[]>(Errno.EACCES);
            string type = name.EndsWith("_for_children", StringComparison.Ordinal) ? name[..^"_for_children".Length] : name;
            return KTask<Result<byte[]>>.FromResult(global::System.Text.Encoding.UTF8.GetBytes($"{type}:[{Find().Inode.Value}]"));
        }

        public override KTask<Result<VfsPath?>> FollowMagicLinkAsync(Task current)
        {
            if (!ProcessAccess.MayRead(current, context.Task))
                return Fail<VfsPath?>(Errno.EACCES);
            if (!context.IsAlive)
                return Fail<VfsPath?>(Errno.ENOENT);
            VfsPath path = NamespaceInode.MakePath(current.Kernel, Find());
            path.Mount.Get();
            return KTask<Result<VfsPath?>>.FromResult((VfsPath?)path);
        }

        private Namespace Find()
        {
            Task task = context.Task;
            NamespaceSet set = task.Namespaces;
            return name switch
            {
                "cgroup" => set.Cgroup,
                "ipc" => set.Ipc,
                "mnt" => set.Mount,
                "net" => set.Net,
                "pid" or "pid_for_children" => set.Pid,
                "time" or "time_for_children" => set.Time,
                "user" => task.Credentials.UserNamespace,
                _ => set.Uts,
            };
        }
    }
}
