using Vitrine.Fs.Overlay;
using Vitrine.Fs.Tmpfs;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Fs;

/// <summary>Random sequences of operations against a model.</summary>
public sealed class RandomTreeTests
{
    public static TheoryData<ulong> Seeds
    {
        get
        {
            var seeds = new TheoryData<ulong>();
            for (ulong seed = 1; seed <= 12; seed++)
                seeds.Add(seed);
            return seeds;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Tmpfs_DoesWhatTheModelDoes(ulong seed)
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs("mode=755");
        new TreeExerciser(fs, tmpfs, NewRoot(), seed).Run(600);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Overlay_DoesWhatTheModelDoes(ulong seed)
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock lower = fs.NewTmpfs("mode=755");
        ModelNode root = NewRoot();

        // The lower tree comes about by the same kind of operations; then it must not change any more.
        new TreeExerciser(fs, lower, root, seed + 1000).Run(300);
        ModelNode frozen = Copy(root, []);
        ForgetIdentities(root);
        OverlaySuperBlock overlay = fs.NewOverlay(fs.NewTmpfs("mode=755"), lower);
        new TreeExerciser(fs, overlay, root, seed).Run(600);
        new TreeExerciser(fs, lower, frozen, seed).Run(0);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void OverlayOfOverlay_DoesWhatTheModelDoes(ulong seed)
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock bottom = fs.NewTmpfs("mode=755");
        ModelNode root = NewRoot();
        new TreeExerciser(fs, bottom, root, seed + 2000).Run(200);
        ForgetIdentities(root);
        OverlaySuperBlock middle = fs.NewOverlay(fs.NewTmpfs("mode=755"), bottom);
        new TreeExerciser(fs, middle, root, seed + 3000).Run(200);
        ForgetIdentities(root);
        OverlaySuperBlock overlay = fs.NewOverlay(fs.NewTmpfs("mode=755"), middle);
        new TreeExerciser(fs, overlay, root, seed).Run(400);
    }

    private static ModelNode NewRoot() => new() { Type = FileMode.Directory, Permissions = 0x1ED };

    private static ModelNode Copy(ModelNode node, Dictionary<ModelNode, ModelNode> known)
    {
        if (known.TryGetValue(node, out ModelNode? made))
            return made;
        made = new ModelNode { Type = node.Type, Data = [.. node.Data], Target = node.Target, Permissions = node.Permissions, Links = node.Links, Identity = node.Identity };
        known.Add(node, made);
        foreach ((string key, string value) in node.Xattrs)
            made.Xattrs.Add(key, value);
        foreach ((string name, ModelNode child) in node.Entries)
            made.Entries.Add(name, Copy(child, known));
        return made;
    }

    private static void ForgetIdentities(ModelNode node)
    {
        node.Identity = null;
        foreach (ModelNode child in node.Entries.Values)
            ForgetIdentities(child);
    }
}
