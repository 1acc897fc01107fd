using System.Globalization;
using System.Text;
using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Drivers.Tty;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Devpts;

/// <summary>
/// An instance: ptmx, and a node for every slave whose master is open. Numbers are the lowest free ones; one is free
/// again when both ends of its pair are closed.
/// </summary>
internal sealed class DevptsSuperBlock : SuperBlock, IPtyDirectory
{
    private const long Magic = 0x1cd1;
    private const ulong MultiplexerInode = 2;

    private readonly bool _usesReserve;
    private readonly DevptsNode _multiplexer;
    private readonly SortedDictionary<int, DevptsNode> _nodes = [];
    private readonly SortedSet<int> _numbers = [];
    private DevptsOptions _options;

    public DevptsSuperBlock(KernelInstance kernel, FileSystemType type, DevptsOptions options, bool usesReserve)
        : base(type, kernel.Vfs.AllocateAnonymousDevice())
    {
        Kernel = kernel;
        BlockSize = 1024;
        _options = options;
        _usesReserve = usesReserve;
        _multiplexer = new DevptsNode(this, new InodeNumber(MultiplexerInode), FileMode.CharacterDevice | options.MultiplexerMode)
        {
            Device = new DeviceNumber(TtyDevices.Major, TtyDevices.MultiplexerMinor),
        };
        Root = Dentry.CreateRoot(new DevptsRoot(this));
    }

    /// <summary>A name is gone as soon as its master is closed.</summary>
    public override bool DentriesAreStable => false;

    public IReadOnlyCollection<KeyValuePair<int, DevptsNode>> Nodes => _nodes;

    public DevptsNode Multiplexer => _multiplexer;

    public override KTask<bool> RevalidateAsync(Task current, Dentry dentry) =>
        KTask<bool>.FromResult(dentry.Inode is DevptsRoot or DevptsNode { IsGone: false });

    public DevptsNode? Find(int number) => _nodes.GetValueOrDefault(number);

    public Result<int> AllocateNumber()
    {
        TtyRegistry terminals = Kernel.Terminals;
        if (terminals.PairCount >= terminals.PairMaximum - (_usesReserve ? 0 : terminals.PairReserve))
            return Errno.ENOSPC;
        int number = 0;
        foreach (int used in _numbers)
        {
            if (used != number)
                break;
            number++;
        }

        if (number >= _options.Maximum)
            return Errno.ENOSPC;
        _numbers.Add(number);
        return number;
    }

    public void FreeNumber(int number) => _numbers.Remove(number);

    public Errno AddNode(Task current, PtyDevice slave)
    {
        const int firstInode = 3;
        Errno error = current.Cgroup.ChargeKernelMemory(DevptsNode.ObjectSize);
        if (error != Errno.Success)
            return error;
        _nodes.Add(slave.Index, new DevptsNode(this, new InodeNumber((ulong)(slave.Index + firstInode)), FileMode.CharacterDevice | _options.Mode)
        {
            Slave = slave,
            Device = slave.Number,
            Uid = _options.Uid ?? current.Credentials.Fsuid,
            Gid = _options.Gid ?? current.Credentials.Fsgid,
            ChargedTo = current.Cgroup,
        });
        return Errno.Success;
    }

    public void RemoveNode(PtyDevice slave)
    {
        if (!_nodes.Remove(slave.Index, out DevptsNode? node))
            return;
        node.Slave = null;
        node.IsGone = true;
        node.LinkCount = 0;
        node.Put();
    }

    public void Hold() => ActiveMounts++;

    public void Unhold() => PutMount();

    public override KTask<Result<KernelStatFs>> StatFsAsync(Task current) => KTask<Result<KernelStatFs>>.FromResult(new KernelStatFs
    {
        Type = Magic,
        BlockSize = (long)Page.Size,
        FragmentSize = (long)Page.Size,
        NameLength = FileName.MaxLength,
        FileSystemId = Device.Encode(),
    });

    public override string ShowOptions()
    {
        var text = new StringBuilder();
        if (_options.Uid is { } uid)
            text.Append(CultureInfo.InvariantCulture, $",uid={uid.Value}");
        if (_options.Gid is { } gid)
            text.Append(CultureInfo.InvariantCulture, $",gid={gid.Value}");
        text.Append(",mode=").Append(Octal(_options.Mode)).Append(",ptmxmode=").Append(Octal(_options.MultiplexerMode));
        if (_options.Maximum < DevptsOptions.Unlimited)
            text.Append(CultureInfo.InvariantCulture, $",max={_options.Maximum}");
        return text.ToString();
    }

    public override KTask<Errno> RemountAsync(Task current, string options, bool readOnly)
    {
        Errno error = DevptsOptions.Parse(options, _options, out DevptsOptions parsed);
        if (error == Errno.Success)
        {
            _options = parsed;
            IsReadOnly = readOnly;
            _multiplexer.Mode = FileMode.CharacterDevice | parsed.MultiplexerMode;
        }

        return KTask<Errno>.FromResult(error);
    }

    public override void Kill() => _multiplexer.Put();

    private static string Octal(FileMode mode) => Convert.ToString((uint)mode, 8).PadLeft(3, '0');
}
