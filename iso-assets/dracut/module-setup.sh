#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# dracut module of the installer environment: it starts `landfall environment` and never goes on to another root.
# What must be there was looked for before dracut is run; the rest is taken if the image has it.

# Only where it is asked for.
check() {
    return 255
}

depends() {
    local pair
    echo systemd-initrd dracut-systemd systemd-networkd kernel-modules kernel-network-modules fs-lib
    # Modules refuse to be installed without their program.
    for pair in systemd-resolved:/usr/lib/systemd/systemd-resolved dm:dmsetup lvm:lvm crypt:cryptsetup mdraid:mdadm btrfs:btrfs; do
        find_binary "${pair#*:}" > /dev/null && echo "${pair%%:*}"
    done
    return 0
}

installkernel() {
    # The medium (firmware that has fetched it keeps it in memory, as `pmem`), what a kickstart may be on, and file systems of
    # targets.
    hostonly='' instmods isofs cdrom sr_mod sd_mod uas usb_storage vfat nls_cp437 nls_iso8859_1 nls_ascii nls_utf8 \
        ext4 xfs btrfs erofs squashfs overlay loop nfit nd_pmem nfs nfsv3 nfsv4 efivarfs 8021q bonding bridge \
        =drivers/block =drivers/nvme =drivers/ata =drivers/scsi =drivers/usb/storage =drivers/usb/host =drivers/hid =drivers/mmc
}

install() {
    local unit file
    inst_dir /usr/lib/landfall
    inst_multiple /usr/lib/landfall/*
    inst_simple /usr/bin/landfall
    inst_multiple bash blkid cat chroot cp dd fstrim kmod ln ls lsblk mcopy mkdir mkfs.vfat mmd modprobe mount mren partx \
        rm sed sfdisk sleep sort sync systemctl udevadm umount
    inst_multiple -o \
        mkfs.xfs mkfs.ext4 mke2fs mkfs.btrfs mkswap xfs_growfs resize2fs e2fsck dumpe2fs btrfs efibootmgr kexec \
        awk basename chattr chmod chown curl cut date df diff dirname dmesg du echo env false find findmnt free grep gzip head \
        hostname id ip journalctl kill less losetup lscpu lspci lsusb md5sum mkfifo mknod mktemp mountpoint mv networkctl od setsid ping ps pwd \
        readlink realpath resolvectl rmdir seq sha256sum ssh-keygen sshd stat stty systemd-cat tail tar tee test timeout touch tr true \
        uname uniq vi wc wipefs xargs xfs_repair zstd mount.nfs mount.nfs4
    # mtools converts names of FAT through code page 850.
    inst_multiple -o /usr/lib*/gconv/{gconv-modules,IBM850.so} /usr/lib*/gconv/gconv-modules.d/gconv-modules-extra.conf \
        /usr/lib/*/gconv/{gconv-modules,IBM850.so} /usr/lib/*/gconv/gconv-modules.d/gconv-modules-extra.conf
    # The server of `inst.sshd` is several programs, and gives up its rights to an account of its own.
    inst_multiple -o /usr/lib/openssh/sshd-{auth,session} /usr/libexec/openssh/sshd-{auth,session}
    grep '^sshd:' "$dracutsysrootdir/etc/passwd" "$dracutsysrootdir/usr/lib/passwd" -hs | head -n 1 >> "$initdir/etc/passwd"
    # It lets nobody in whose account is locked, whatever the key.
    sed -i 's/^root:[^:]*:/root:*:/' "$initdir/etc/shadow"
    # How registries are reached, and whom they are trusted by: as the image has it.
    inst_multiple -o /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/openssl.cnf
    find -L /etc/containers /usr/share/containers -name storage.conf -prune -o -type f -print 2> /dev/null |
        while read -r file; do
            inst_simple "$file"
        done
    inst_multiple -o /usr/lib/udev/cdrom_id
    inst_simple "$moddir/landfall.service" "$systemdsystemunitdir/landfall.service"
    inst_simple "$moddir/landfall-network.service" "$systemdsystemunitdir/landfall-network.service"
    mkdir -p "$initdir/etc/systemd/system/systemd-networkd.service.wants"
    ln -sfn "$systemdsystemunitdir/landfall-network.service" "$initdir/etc/systemd/system/systemd-networkd.service.wants/"
    inst_simple "$moddir/landfall.target" "$systemdsystemunitdir/landfall.target"
    # systemd starts this target in an initramfs, whatever the default is.
    mkdir -p "$initdir/etc/systemd/system"
    ln -sfn "$systemdsystemunitdir/landfall.target" "$initdir/etc/systemd/system/initrd.target"
    # Parts of the way to another root.
    for unit in dracut-initqueue dracut-pre-mount dracut-mount dracut-pre-pivot; do
        ln -sfn /dev/null "$initdir/etc/systemd/system/$unit.service"
    done
    # Terminals show what Landfall says.
    mkdir -p "$initdir/etc/systemd/system.conf.d"
    printf '[Manager]\nShowStatus=no\n' > "$initdir/etc/systemd/system.conf.d/landfall.conf"
    # The log has a terminal of its own; on a serial line it would be between the lines of the display.
    mkdir -p "$initdir/etc/systemd/journald.conf.d"
    printf '[Journal]\nForwardToConsole=yes\nTTYPath=/dev/tty3\nMaxLevelConsole=info\n' > "$initdir/etc/systemd/journald.conf.d/landfall.conf"
    # There is no password to ask for.
    mkdir -p "$initdir/etc/systemd/system/emergency.service.d"
    printf '[Service]\nEnvironment=SYSTEMD_SULOGIN_FORCE=1\n' > "$initdir/etc/systemd/system/emergency.service.d/landfall.conf"
}
